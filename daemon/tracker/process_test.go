package tracker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A process is the daemon between a start and its end: tracker, sender and
// journal as they are, without probes and sockets.
type process struct {
	timeline *timeline
	tracker  *tracker.Tracker
	sender   *outbox.Sender
	journal  *tape
	cancel   context.CancelFunc
	done     chan struct{}
}

func (n *timeline) start() {
	if n.running != nil {
		n.t.Fatal("it is running")
	}
	cfg := n.load()
	if cfg == nil {
		n.t.Fatal("these files give no configuration")
	}
	j, err := journal.Open(n.journalDir(), journal.Options{})
	n.must(err)
	p := &process{timeline: n, journal: &tape{Journal: j, timeline: n}, done: make(chan struct{})}
	p.sender = outbox.NewSender(func(a outbox.Attempt) { p.tracker.Attempted(a) })
	p.tracker, err = tracker.Open(tracker.Options{
		Journal: p.journal, Sender: strict{p.sender, n}, Node: "monitor.example.net", Jitter: func() float64 { return 0.5 },
		Wake: n.wake, Clock: n.clocks,
	})
	n.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		defer close(p.done)
		if err := p.tracker.Run(ctx); err != nil {
			n.t.Error(err)
		}
	}()
	n.running = p
	clear(n.probes)
	n.apply(cfg)
}

func (n *timeline) journalDir() string {
	return filepath.Join(n.dir, fmt.Sprintf("journal%d", n.journal))
}

// end ends the daemon, in whichever way.
func (n *timeline) end(way func(*process)) {
	if n.running != nil {
		way(n.running)
		n.running = nil
	}
}

func (p *process) use(cfg *config.Config) {
	channels := map[config.NotifierID]outbox.Channel{}
	for id, notifier := range cfg.Notifiers {
		channels[id] = outbox.Channel{Notifier: &line{p, p.timeline.receivers[id]}, Settings: notifier.Settings}
	}
	p.sender.Use(channels)
}

// stop ends the daemon as SIGTERM does.
func (p *process) stop() {
	grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	p.sender.Stop(grace)
	p.cancel()
	<-p.done
	p.timeline.must(p.journal.Close())
}

// kill leaves behind what kill -9 does: the files as they are at this moment.
// The rest of the process is wound up so that nobody notices.
func (p *process) kill() {
	p.journal.dead.Store(true)
	p.timeline.journal++
	p.timeline.must(os.CopyFS(p.timeline.journalDir(), os.DirFS(p.journal.dir())))
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	p.sender.Stop(stopped)
	p.cancel()
	<-p.done
	p.timeline.must(p.journal.Close())
}

func (t *tape) dir() string {
	return filepath.Join(t.timeline.dir, fmt.Sprintf("journal%d", t.timeline.journal-1))
}

// A tape is a journal whose incident records are shown in the transcript.
type tape struct {
	*journal.Journal
	timeline *timeline
	dead     atomic.Bool // killed: what it is given now never happened
}

func (t *tape) Append(records ...journal.Record) error {
	if t.dead.Load() {
		return journal.ErrNotDurable
	}
	if err := t.Journal.Append(records...); err != nil {
		return err
	}
	for _, r := range records {
		if r.Kind == "telling" {
			var telling outbox.Notification
			if err := json.Unmarshal(r.Data, &telling); err != nil {
				return err
			}
			t.timeline.decided[telling.Key] = true
		}
		if strings.HasPrefix(r.Kind, "incident.") {
			var e incident.Event
			if err := json.Unmarshal(r.Data, &e); err != nil {
				return err
			}
			t.timeline.out.note(journaled, t.timeline.event(e))
		}
	}
	return nil
}

// A strict sender sends nothing that is not in the journal.
type strict struct {
	*outbox.Sender
	timeline *timeline
}

func (s strict) Send(way config.NotifyID, to json.RawMessage, m notifiers.Message) {
	if !s.timeline.decided[outbox.Key(m.Key)] {
		s.timeline.t.Errorf("%s is sent before it is in the journal", m.Subject())
	}
	s.Sender.Send(way, to, m)
}

// event shows what is journaled.
func (n *timeline) event(e incident.Event) string {
	text := string(e.Check)
	if e.Condition != config.ConditionService {
		text += " " + string(e.Condition)
	}
	text += ": " + string(e.Kind)
	if e.From != "" {
		text += " from " + string(e.From)
	}
	if e.ClosedAs != "" {
		text += " as " + string(e.ClosedAs)
	}
	if !e.Since.IsZero() {
		text += " since " + n.at(e.Since)
	}
	if f := e.Finding; f != nil {
		text += ", " + string(f.Cause)
		if f.Phase != config.NoPhase {
			text += " in " + f.Phase.String()
		}
	}
	if e.Reason != "" {
		text += ", " + e.Reason
	}
	if !e.Until.IsZero() {
		text += " until " + n.at(e.Until)
	}
	return text
}
