package tracker

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A tracker that stood by and begins is what one is that is opened on the same journal at that moment:
// in what it knows, decides, journals and sends; but that it tries at once what has failed
// elsewhere. So nothing is told twice that would not be told twice after a restart.
func TestStandbyBeginsAsAfterAStart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &succession{miniature: &miniature{T: t, now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}}
		s.begin(t)
		t.Repeat(map[string]func(*rapid.T){
			"":          s.check,
			"probe":     s.probe,
			"well":      func(t *rapid.T) { s.observe(s.draw(t), nil) },
			"wait":      s.wait,
			"configure": s.configureBoth,
			"silence":   s.silence,
			"ack":       s.ack,
			"unack":     s.unack,
			"answer":    s.answer,
			"trouble":   s.trouble,
			"wish":      s.wish,
			"renew":     s.renew,
			"take over": s.takeOver,
		})
	})
}

// A succession is a tracker that decides, and one that stands by it.
type succession struct {
	*miniature
	written memory // by whoever decides
	standby *Tracker
}

// A shelf is a journal that begins with some records, and whose new ones somebody takes.
type shelf struct {
	memory
	take func([]journal.Record)
}

func (s *shelf) Append(records ...journal.Record) error { s.take(records); return nil }

// A desk keeps the keys of what it is given to send, in their order.
type desk []outbox.Key

func (d *desk) Send(_ config.NotifyID, _ json.RawMessage, m notifiers.Message) {
	*d = append(*d, outbox.Key(m.Key))
}

// begin makes the first who decides, and the one that stands by.
func (s *succession) begin(t *rapid.T) {
	s.tracker = s.openWith(Options{Journal: &shelf{take: s.publish}, Sender: s})
	s.follow()
	s.configureBoth(t)
}

// publish keeps what was journaled, and has the standby fold it.
func (s *succession) publish(records []journal.Record) {
	s.written = append(s.written, records...)
	s.turn(s.standby, func(t *Tracker, r *round) { t.fold(r, records) })
	if s.standby.sleepTime(s.now) < time.Hour {
		s.Fatal("a standby wants to do something")
	}
}

// turn makes one round of a tracker.
func (s *succession) turn(t *Tracker, in ...input) {
	if err := t.round(context.Background(), in, s.now); err != nil {
		s.Fatal(err)
	}
}

// follow opens a tracker that stands by.
func (s *succession) follow() {
	s.standby = s.openWith(Options{
		Standby: true, Sender: s,
		Journal: &shelf{slices.Clone(s.written), func([]journal.Record) { s.Fatal("a standby has journaled something") }},
	})
	s.turn(s.standby, func(t *Tracker, _ *round) { t.useConfiguration(s.tracker.cfg) })
}

func (s *succession) configureBoth(t *rapid.T) {
	s.configure(t)
	s.turn(s.standby, func(t *Tracker, _ *round) { t.useConfiguration(s.tracker.cfg) })
}

func (s *succession) trouble(t *rapid.T) {
	what := rapid.SampledFrom([]Trouble{"network", "clock"}).Draw(t, "trouble")
	var f *incident.Finding
	if rapid.Bool().Draw(t, "wrong") {
		f = &incident.Finding{Cause: config.CauseLocalFault, Hint: "It is slow."}
	}
	s.round(func(t *Tracker, r *round) { t.reportTrouble(r, what, f) })
}

// wish takes an acknowledgement of another journal.
func (s *succession) wish(t *rapid.T) {
	w := Wish{
		Check: s.draw(t), Condition: config.ConditionService, By: "anna", Finding: incident.Finding{Condition: config.ConditionService, Health: incident.Down},
		At: s.now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * time.Minute),
	}
	s.round(func(t *Tracker, r *round) {
		if err := t.takeWish(r, w); err != nil {
			s.Fatal(err)
		}
	})
}

// waiting lists the acknowledgements that wait.
func (s *succession) waiting(t *Tracker) []string {
	r := &round{now: s.now}
	for _, w := range t.waitingWishes(s.now) {
		r.addRecord(kindWish, s.now, w)
	}
	return lines(r.records)
}

// renew writes the whole state, behind what is there or in its place.
func (s *succession) renew(t *rapid.T) {
	whole := slices.Collect(s.tracker.snapshotRecords(s.now))
	if rapid.Bool().Draw(t, "purged") {
		s.written = nil
	}
	s.publish(whole)
}

// takeOver ends who decides in the middle of what it does. The standby begins, beside a tracker that is
// opened on the same journal, and they are compared.
func (s *succession) takeOver(*rapid.T) {
	s.flying = nil // whoever sent that is gone, and nobody knows what became of it
	var did [2][]journal.Record
	var sent [2]desk
	started := s.openWith(Options{Sender: &sent[0], Journal: &shelf{
		slices.Clone(s.written), func(records []journal.Record) { did[0] = append(did[0], records...) },
	}})
	began := s.standby
	s.same("acknowledgements that wait", s.waiting(s.tracker), s.waiting(began))
	began.Sender = &sent[1]
	began.Journal = &shelf{take: func(records []journal.Record) { did[1] = append(did[1], records...) }}
	s.turn(started, func(t *Tracker, r *round) {
		t.configure(r, s.tracker.cfg)
		t.book.HurryAll(r.now)
	})
	s.turn(began, func(t *Tracker, r *round) { t.begin(r) })
	s.same("what is journaled at first", lines(did[0]), lines(did[1]))
	s.same("what is sent", sent[0], sent[1])
	s.same("what is shown", contents(started), contents(began))
	s.same("when they wake", started.sleepTime(s.now), began.sleepTime(s.now))
	s.same("broken notifiers", started.channels.broken, began.channels.broken)
	s.same("ages of silences", started.silences, began.silences)
	for _, later := range []time.Duration{0, time.Minute, 10 * time.Minute, time.Hour} {
		then := s.now.Add(later)
		was := outbox.Plan(started.book, started.world(true, nil, then), then)
		is := outbox.Plan(began.book, began.world(true, nil, then), then)
		s.same("notifications", was, is)
	}
	s.same("the whole state", lines(slices.Collect(started.snapshotRecords(s.now))), lines(slices.Collect(began.snapshotRecords(s.now))))

	s.tracker, s.flying, s.written = began, sent[1], append(s.written, did[1]...)
	began.Sender = s
	s.follow()
	began.Journal = &shelf{take: s.publish}
}

// lines are records as text, in an order of their own: maps have none.
func lines(records []journal.Record) (list []string) {
	for _, r := range records {
		list = append(list, r.Kind+" "+string(r.Data))
	}
	slices.Sort(list)
	return list
}
