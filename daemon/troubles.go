package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The monitor's own troubles, beside [tracker.Messages].
const (
	machineTrouble tracker.Trouble = "machine"
	journalTrouble tracker.Trouble = "journal"
	filesTrouble   tracker.Trouble = "files"
	probesTrouble  tracker.Trouble = "probes"
	tailTrouble    tracker.Trouble = "journal-tail"
	lossTrouble    tracker.Trouble = "journal-files"
	testsTrouble   tracker.Trouble = "notify-test"
	aloneTrouble   tracker.Trouble = "alone"
	loginTrouble   tracker.Trouble = "bus-login"
)

const (
	troubleEvery = 15 * time.Second
	// stallTime is how long a journal may be not durable before people are told;
	// status says it at once.
	stallTime = time.Minute
	// rejectedTime is how long files may be rejected before people are told.
	rejectedTime = time.Hour
	// mendedFor is how long an incident about the journal's files stays open that
	// was over before it was told: a torn tail, files that were written anew.
	mendedFor = time.Hour
)

// reportMachine reports what daemon/selfcheck says of this machine.
func (m *monitor) reportMachine(ctx context.Context, f *incident.Finding) {
	_ = m.deciding.own.Report(ctx, machineTrouble, f) // the daemon is ending
}

// watchTroubles looks after the journal, the files and the probes until ctx ends, and
// after the memory limit, which may be changed while the daemon runs.
func (m *monitor) watchTroubles(ctx context.Context) error {
	durable := time.Now()
	var said time.Time
	started := durable
	var lossAt time.Time
	losses := 0
	var late overdue
	// Report fails only when the daemon is ending.
	_ = m.deciding.own.Report(ctx, tailTrouble, tornTailFinding(m.journal.Status(), 0))
	return clock.Repeat(ctx, troubleEvery, func() {
		m.memory.setLimit() // systemctl set-property changes it while the daemon runs
		s := m.journal.Status()
		if s.Durable {
			durable = time.Now()
		}
		_ = m.deciding.own.Report(ctx, journalTrouble, journalFinding(s, time.Since(durable)))
		_ = m.deciding.own.Report(ctx, tailTrouble, tornTailFinding(s, time.Since(started)))
		if s.Losses > losses {
			losses, lossAt = s.Losses, time.Now()
		}
		_ = m.deciding.own.Report(ctx, lossTrouble, lossFinding(s, time.Since(lossAt)))
		m.reportFiles(ctx)
		if m.member != nil {
			_ = m.deciding.own.Report(ctx, aloneTrouble, aloneFinding(m.member.node.State(), m.member.ownKeySentence()))
			_ = m.deciding.own.Report(ctx, loginTrouble, loginFinding(m.member.bus.Certificates(), time.Now()))
		}
		now, waiting := m.watch.Read(), m.loop.Waiting()
		_ = m.deciding.own.Report(ctx, probesTrouble, probesFinding(late.findOverdue(now, waiting), m.loop.Limit))
		said = m.logLag(now.At, said, m.punctuality(now.At, waiting))
	})
}

// journalFinding returns what is wrong with a journal that was durable some time ago. It
// returns nil if nothing is.
func journalFinding(s journal.Status, ago time.Duration) *incident.Finding {
	f := &incident.Finding{Cause: config.CauseLocalFault}
	switch {
	case !s.Durable && ago >= stallTime:
		f.Hint = "The journal cannot be written. Alarms are still sent, but what is not written is lost when the daemon stops. " + s.Detail + "."
	case s.Damaged:
		f.Hint = "The journal is damaged. imapvigil continues with what could be read. " + s.Detail + "."
	default:
		return nil
	}
	return f
}

// tornTailFinding returns that a torn tail was cut off when the daemon started, some time
// ago. It returns nil if there was none, or if it has been told for long enough.
func tornTailFinding(s journal.Status, ago time.Duration) *incident.Finding {
	if s.TornBytes == 0 || ago >= mendedFor {
		return nil
	}
	return &incident.Finding{
		Cause: config.CauseLocalFault,
		Hint: fmt.Sprintf("The journal ended in an unfinished write. After a crash, a kill or a loss of power that is usual; %d bytes were cut off. No finished record is lost. A copy of these bytes is kept in the journal's directory (*.torn).",
			s.TornBytes),
	}
}

// lossFinding returns that somebody took files of the journal away some time ago. It
// returns nil if nobody did, or if it has been told for long enough.
func lossFinding(s journal.Status, ago time.Duration) *incident.Finding {
	if s.Losses == 0 || ago >= mendedFor {
		return nil
	}
	what := s.Detail
	if s.Durable {
		what = s.LastLoss + ". imapvigil rewrote all of it from memory, so nothing is lost. Find out which program did this"
	}
	return &incident.Finding{
		Cause: config.CauseLocalFault,
		Hint:  "Files of the journal were deleted, replaced or changed while imapvigil ran: " + what + ".",
	}
}

// aloneFinding returns that a node hears nobody who decides, and decides for itself; key says what is wrong with its
// key. It returns nil if that is not so.
func aloneFinding(s cluster.State, key string) *incident.Finding {
	if s.Role != cluster.Alone {
		return nil
	}
	hint := fmt.Sprintf("%s reaches no node that decides, since %s, and decides for itself. Each node that is alone sends messages of its own about an outage.",
		s.Node, s.Unheard.UTC().Format("2006-01-02 15:04:05 MST"))
	if why := busSentence(s.Bus); why != "" {
		hint += " " + why
	}
	for _, why := range []string{s.Journal, key} {
		if why != "" {
			hint += " " + why
		}
	}
	return &incident.Finding{Cause: config.CauseLocalFault, Hint: hint}
}

// loginFinding returns that the certificate ends soon with which this node logs in to the bus. It returns nil if
// that is not so. What the servers show is the same for all nodes, and the one that decides tells people.
func loginFinding(list []bus.Certificate, now time.Time) *incident.Finding {
	own := slices.DeleteFunc(list, func(c bus.Certificate) bool { return !c.Own })
	sentences := cluster.EndingCertificates(own, now)
	if len(sentences) == 0 {
		return nil
	}
	return &incident.Finding{Cause: config.CauseLocalFault, Hint: strings.Join(sentences, " ") + " " + cluster.RenewCertificates}
}

// busSentence says why the bus cannot be reached; empty: it can.
func busSentence(s bus.Status) string {
	if s.Connected || s.Detail == "" {
		return ""
	}
	return fmt.Sprintf("The bus cannot be reached: %s.", strings.TrimSuffix(s.Detail, "."))
}

// reportFiles reports what is wrong with the files.
func (m *monitor) reportFiles(ctx context.Context) {
	// It fails only when the daemon is ending.
	_ = m.deciding.own.Report(ctx, filesTrouble, filesFinding(m.reloads.configState(), time.Now()))
}

// filesFinding returns what is wrong with the files, or nil if nothing is. A daemon that
// was started with invalid files reports them at once: somebody may believe that they are
// in effect. Files that are rejected while it runs are reported when they stay so: whoever
// wrote them is told at once, and may be writing still.
func filesFinding(c api.Config, now time.Time) *incident.Finding {
	f := &incident.Finding{Cause: config.CauseLocalFault, Hint: errorSentences(c.Error)}
	switch {
	case c.State == api.LastGood:
		f.Hint += " The daemon was started with these files and uses the last good configuration."
	case c.State == api.Rejected && now.Sub(c.RejectedAt) >= rejectedTime:
		f.Hint += " It has been invalid for more than an hour. The previous configuration stays in effect."
	default:
		return nil
	}
	return f
}

// errorSentences returns an error of the files in sentences, the first of which is the headline
// of a message: it names file and line.
func errorSentences(text string) string {
	text = strings.TrimPrefix(text, "the configuration is in error: ")
	// Behind the semicolon stands the detail.
	text = strings.Replace(text, "; ", ". ", 1)
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return "The configuration is in error: " + text
}
