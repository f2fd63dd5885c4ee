package tracker

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// No text that comes from outside may make a record larger than the journal
// takes: an incident has up to 200 events, and is one record in a snapshot.
const (
	maxReason = 1 << 10 // of an acknowledgement or a silence, in bytes
	MaxAuthor = 100     // of who did something
	maxHint   = 2 << 10 // a sentence of ours may quote a configuration
	maxName   = 200     // of what does not exist, in an error
	maxThread = 1 << 10 // of a receipt; a Message-ID has at most 998 bytes (RFC 5322 section 2.1.1)
)

// boundReason makes the reason that somebody gave safe to keep and to show.
func boundReason(text string) string { return opaque.Bounded(text, maxReason) }

// boundAuthor makes the name of who did something safe to keep and to show.
func boundAuthor(name string) string { return opaque.Bounded(name, MaxAuthor) }

// boundName quotes what somebody asked for and does not exist.
func boundName(text string) string { return opaque.Bounded(text, maxName) }

// boundFinding bounds the hint of a finding.
func boundFinding(f *incident.Finding) *incident.Finding {
	if f == nil || len(f.Hint) <= maxHint {
		return f
	}
	// The finding itself belongs to a result, which others read.
	short := *f
	short.Hint = opaque.Bounded(f.Hint, maxHint)
	return &short
}

// boundEvent bounds what an event quotes. Older journals have reasons of any
// length.
func boundEvent(e incident.Event) incident.Event {
	if e.Reason != "" {
		e.Reason = boundReason(e.Reason)
	}
	if e.By != "" {
		e.By = boundAuthor(e.By)
	}
	e.Finding = boundFinding(e.Finding)
	return e
}

// maxAnswers is how many recipients of a message keep what they were answered.
const maxAnswers = 200

// boundOutcome leaves out a thread that cannot be one, and answers of a message with
// very many recipients; how far each has come stays.
func boundOutcome(o outbox.Outcome) outbox.Outcome {
	if len(o.Receipt.Thread) > maxThread {
		o.Receipt.Thread = ""
	}
	for i := maxAnswers; i < len(o.Receipt.Recipients); i++ {
		o.Receipt.Recipients[i].Answer = opaque.Words{}
	}
	return o
}

// writable reports whether JSON and the journal have words for a time (RFC 3339
// ends with the year 9999).
func writable(at time.Time) error {
	if y := at.UTC().Year(); y < 0 || y > 9999 {
		return fmt.Errorf("the year %d cannot be stored", y)
	}
	return nil
}

// refusedFor is how long the incident about a refused record stays open.
const refusedFor = time.Hour

// Records is the trouble of records that the journal refuses.
const Records Trouble = "records"

// reportRefused reports the records of a round that were refused, and ends the trouble
// when none was for refusedFor.
func (t *Tracker) reportRefused(r *round) {
	r.refused, t.late = append(r.refused, t.late...), nil
	if len(r.refused) > 0 {
		t.refusedAt = r.now
		for _, err := range r.refused {
			t.Log.Error("the journal refused a record; it is dropped, and the others are kept", zap.Error(err))
		}
		t.reportTrouble(r, Records, ofRefused(r.refused))
		return
	}
	if t.stateOf(Records.check()).Live() && r.now.Sub(t.refusedAt) >= refusedFor {
		t.reportTrouble(r, Records, nil)
	}
}

// ofRefused returns the finding that records were refused; there must be one at least.
func ofRefused(refused []error) *incident.Finding {
	f := &incident.Finding{Cause: config.CauseLocalFault}
	f.Hint = fmt.Sprintf("The journal refused a record: %v. That record is lost; the others were kept.", refused[0])
	if n := len(refused) - 1; n > 0 {
		f.Hint += fmt.Sprintf(" %d more were refused with it.", n)
	}
	return f
}
