package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A node is a tracker of one of several nodes, as far as a test needs it: what its journal answers,
// what it has written and sent.
type node struct {
	past
	refuse  atomic.Pointer[error] // what Append and Compact return
	appends atomic.Int64
	sent    atomic.Int64
	wanted  chan struct{}

	tracker *tracker.Tracker
	ended   chan error
	stop    context.CancelFunc
}

func (n *node) Append(...journal.Record) error {
	n.appends.Add(1)
	if err := n.refuse.Load(); err != nil {
		return *err
	}
	return nil
}

func (n *node) Compact(iter.Seq[journal.Record]) error {
	if err := n.refuse.Load(); err != nil {
		return *err
	}
	return nil
}

func (n *node) Wanted() <-chan struct{} { return n.wanted }

func (n *node) Send(config.NotifyID, json.RawMessage, notifiers.Message) { n.sent.Add(1) }

// replaced has the journal answer that another node decides now.
func (n *node) replaced() { n.refuse.Store(new(fmt.Errorf("appending: %w", journal.ErrReplaced))) }

// run starts the tracker of a node, with one check whose incidents people hear of at once.
func (n *node) run(t *testing.T, o tracker.Options) {
	t.Helper()
	o.Journal, o.Sender, n.wanted, n.ended = n, n, make(chan struct{}, 1), make(chan error, 1)
	var err error
	if n.tracker, err = tracker.Open(o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go func() { n.ended <- n.tracker.Run(ctx) }()
	cfg := house(1)
	for _, c := range cfg.Checks {
		c.Policy.FaultTolerance = 0
	}
	if err := n.tracker.Configure(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}

// result is what a probe of the only check of a house finds just now.
func result(findings ...incident.Finding) incident.Result {
	now := time.Now()
	return incident.Result{Check: "customer00000", Target: "mx:993", Started: now, Ended: now, Observed: outside, Findings: findings}
}

// fails has the check fail twice, so that an incident is opened.
func (n *node) fails(ctx context.Context) {
	n.tracker.Observe(ctx, result(symptoms["refused"].finding))
	n.tracker.Observe(ctx, result(symptoms["refused"].finding))
}

// A tracker that stands by changes nothing for anybody, and shows what another one decides.
func TestStandbyShowsAndRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Standby: true})
		defer n.stop()
		ctx, tr := t.Context(), n.tracker
		event := incident.Event{
			Kind: incident.Failing, At: time.Now(), Since: time.Now(), Incident: "i1", Check: "customer00000", Condition: config.ConditionService,
			Finding: &incident.Finding{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused},
		}
		record := func(e incident.Event) journal.Record {
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			return journal.Record{At: e.At, Kind: "incident." + string(e.Kind), Data: text}
		}
		opened := event
		opened.Kind = incident.Opened
		tr.Fold([]journal.Record{{Kind: "cluster.began", Data: json.RawMessage(`{}`)}, record(event), record(opened)})

		n.fails(ctx)
		_, acknowledging := tr.Acknowledge(ctx, "i1", tracker.Acknowledgement{By: "anna"})
		_, unacknowledging := tr.Unacknowledge(ctx, "i1", "anna")
		_, noting := tr.Note(ctx, "i1", tracker.Note{Text: "a new disk"})
		_, silencing := tr.Silence(ctx, outbox.Silence{Scope: outbox.Scope{Role: "it"}, Until: time.Now().Add(time.Hour)})
		_, ending := tr.EndSilence(ctx, "s1", "anna")
		_, awaiting := tr.Await(ctx, "customer00000", func() { t.Error("somebody was asked to probe") })
		for what, err := range map[string]error{
			"Acknowledge": acknowledging, "Unacknowledge": unacknowledging, "Note": noting, "Silence": silencing, "EndSilence": ending,
			"Await": awaiting, "Report": tr.Report(ctx, "network", nil), "Delivered": tr.Delivered(ctx, "slack.chat"), "Dismiss": tr.Dismiss(ctx, "k", ""),
			"Redeliver": tr.Redeliver(ctx, "k"), "SendReport": tr.SendReport(ctx, nil), "HandOver": tr.HandOver(ctx, to("fra1")),
		} {
			if !errors.Is(err, tracker.ErrStandby) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if !tr.Take(result(symptoms["refused"].finding)) {
			t.Error("a result is offered again and again")
		}
		if err := tr.Ping(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		if w := look(t, tr); len(w.Incidents) != 1 || w.Checks[0].State != incident.CheckDown || w.Checks[0].LastProbeAt != nil {
			t.Errorf("it shows %+v", w)
		}
		if n.appends.Load() > 0 || n.sent.Load() > 0 {
			t.Errorf("%d records, %d messages", n.appends.Load(), n.sent.Load())
		}

		if err := tr.Begin(ctx); err != nil {
			t.Fatal(err)
		}
		tr.Fold([]journal.Record{{Kind: "incident.closed"}}) // what it journals itself comes back
		n.fails(ctx)
		time.Sleep(time.Minute)
		if n.sent.Load() == 0 {
			t.Error("it has begun, and tells nobody")
		}
		n.stop()
		if err := <-n.ended; err != nil {
			t.Error(err)
		}
	})
}

// A standby that goes on for months drops what is over for long, and nothing of which somebody may
// still have to hear.
func TestStandbyForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Standby: true})
		defer n.stop()
		finding := symptoms["refused"].finding
		incidentOf := func(id incident.ID, kinds ...incident.Kind) (list []journal.Record) {
			for _, kind := range kinds {
				e := incident.Event{
					Kind: kind, At: time.Now(), Since: time.Now(), Incident: id, Check: config.CheckID(id), Condition: config.ConditionService,
					Finding: &finding,
				}
				if kind == incident.Closed {
					e.ClosedAs = incident.Recovered
				}
				text, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, journal.Record{At: e.At, Kind: "incident." + string(kind), Data: text})
			}
			return list
		}
		n.tracker.Fold(incidentOf("over", incident.Failing, incident.Opened, incident.Closed))
		n.tracker.Fold(incidentOf("open", incident.Failing, incident.Opened))
		for _, days := range []struct{ pass, known int }{{80, 2}, {20, 1}} {
			time.Sleep(time.Duration(days.pass) * 24 * time.Hour)
			n.tracker.Fold(nil)
			s, err := n.tracker.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known := 0
			for range s.Incidents() {
				known++
			}
			if known != days.known {
				t.Errorf("after %d more days %d incidents are known, want %d", days.pass, known, days.known)
			}
		}
	})
}

// When the journal says that another node decides now, the tracker ends, and nothing comes of the
// round: no message, no answer but that, nothing for the feed.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		var o order
		n.run(t, tracker.Options{Feed: &o})
		defer n.stop()
		n.replaced()
		ctx := t.Context()
		pace := make(chan incident.Pace)
		go func() {
			n.tracker.Observe(ctx, result(symptoms["refused"].finding))
			pace <- n.tracker.Observe(ctx, result(symptoms["refused"].finding))
		}()
		_, err := n.tracker.Silence(ctx, outbox.Silence{Scope: outbox.Scope{Role: "it"}, Until: time.Now().Add(time.Hour)})
		if !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("a silence that is not kept: %v", err)
		}
		if p := <-pace; p != (incident.Pace{}) {
			t.Errorf("an observation that is not kept: %+v", p)
		}
		if err := <-n.ended; !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("Run ends with %v", err)
		}
		if _, err := n.tracker.Snapshot(ctx); !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("asked afterwards: %v", err)
		}
		if n.tracker.Take(result()) {
			t.Error("a result is taken afterwards")
		}
		if n.sent.Load() > 0 || len(o.came) > 0 {
			t.Errorf("%d messages were sent, the feed heard %q", n.sent.Load(), o.came)
		}
	})
}

// The same when the whole state cannot be written.
func TestReplacedWhileTheJournalIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{})
		defer n.stop()
		n.replaced()
		n.wanted <- struct{}{}
		if err := <-n.ended; !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("Run ends with %v", err)
		}
	})
}

// As long as nobody can say whether this node decides, no message is sent, and it is asked again each
// second; alarms are decided meanwhile.
func TestMessagesWaitUntilItIsSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		var asked atomic.Int64
		var sure atomic.Bool
		n.run(t, tracker.Options{Sure: func(context.Context) error {
			asked.Add(1)
			if sure.Load() {
				return nil
			}
			return errors.New("the stream does not answer")
		}})
		defer n.stop()
		n.fails(t.Context())
		time.Sleep(time.Minute)
		synctest.Wait()
		// The message is decided 10 s after the opening, and at once to a program.
		if n := asked.Load(); n < 55 || n > 62 {
			t.Errorf("it was asked %d times in a minute", n)
		}
		if n.sent.Load() > 0 {
			t.Error("something was sent")
		}
		if w := look(t, n.tracker); len(w.Incidents) != 1 || w.Notifications.Queued != 2 {
			t.Errorf("decided: %+v", w)
		}
		sure.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if n.sent.Load() != 2 {
			t.Errorf("%d messages are sent in the end", n.sent.Load())
		}
		before := asked.Load()
		time.Sleep(time.Hour)
		if asked.Load() != before {
			t.Error("it is asked while nothing is to be sent")
		}
	})
}

// Whoever asks may be answered that another node decides.
func TestNotSureSinceReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Sure: func(context.Context) error { return journal.ErrReplaced }})
		defer n.stop()
		n.fails(t.Context())
		if err := <-n.ended; !errors.Is(err, journal.ErrReplaced) || n.sent.Load() > 0 {
			t.Errorf("Run ends with %v after %d messages", err, n.sent.Load())
		}
	})
}
