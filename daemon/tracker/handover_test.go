package tracker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/voice"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

// deliverer delivers each message at once, but to some notifiers none arrives.
type deliverer struct {
	tracker *tracker.Tracker
	broken  map[config.NotifierID]bool

	mu     sync.Mutex
	came   []string
	ids    []string
	untold []string // by which notifiers an end came without its beginning
}

func (d *deliverer) Send(way config.NotifyID, _ json.RawMessage, m notifiers.Message) {
	a := outbox.Attempt{Key: outbox.Key(m.Key), At: time.Now()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken[way.Notifier] {
		a.Err = fmt.Errorf("nobody answers")
	} else {
		for _, item := range m.Items {
			d.came = append(d.came, string(way.Notifier)+": "+item.Headline(m.At))
			d.ids = append(d.ids, item.Incident.ID)
			if item.OpeningUntold {
				d.untold = append(d.untold, string(way.Notifier))
			}
		}
	}
	go d.tracker.Attempted(a)
}

// heard returns what has arrived since it was asked for last.
func (d *deliverer) heard() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	came := d.came
	d.came = nil
	slices.Sort(came)
	return came
}

// to says that a node decides about everything, and nothing else.
func to(node string) func(config.CheckID, config.Condition) incident.Successor {
	return func(config.CheckID, config.Condition) incident.Successor { return incident.Successor{Node: node} }
}

// A node that was alone hands over: who heard of its incidents hears once who decides now, nobody is called
// because of that, and who had not heard yet hears nothing. Its own troubles stay.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := house(2)
		role := cfg.Roles["it"]
		for id, kind := range map[config.NotifierID]notifiers.Kind{"voice.phone": voice.Kind, "webhook.lost": webhook.Kind} {
			role.Notify = append(role.Notify, config.Notify{ID: config.NotifyID{Role: "it", Notifier: id}, Target: room("")})
			cfg.Notifiers[id] = &config.Notifier{ID: id, Settings: plain{kind}}
		}
		cfg.Daemon.Roles = []config.RoleID{"it"}
		for _, c := range cfg.Checks {
			c.Policy.FaultTolerance = 30 * time.Second
		}
		alone := "seen by fra1 alone"
		d := &deliverer{broken: map[config.NotifierID]bool{"webhook.lost": true}}
		var err error
		d.tracker, err = tracker.Open(tracker.Options{Journal: past{}, Sender: d, Mark: func() string { return alone }, Salt: "fra1"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = d.tracker.Run(ctx) }()
		defer func() { stop(); <-ended }()
		if err := d.tracker.Configure(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		fail := func(check config.CheckID) {
			r := result(symptoms["refused"].finding)
			r.Check = check
			d.tracker.Observe(ctx, r)
		}
		fail("customer00000")
		time.Sleep(30 * time.Second)
		fail("customer00000")
		fail("customer00001") // of which nobody is told yet
		if err := d.tracker.Report(ctx, "network", &incident.Finding{Cause: config.CauseLocalFault, Hint: "It is slow."}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		fail("customer00000")
		d.heard()

		if err := d.tracker.HandOver(ctx, to("nyc1")); err != nil {
			t.Fatal(err)
		}
		alone = ""
		fail("customer00000") // a probe that was under way
		time.Sleep(time.Hour)
		want := []string{
			"slack.chat: HANDED OVER customer00000: nyc1 decides for all nodes again, was down for 1m 30s (connect refused)",
			"webhook.hook: HANDED OVER customer00000: nyc1 decides for all nodes again, was down for 1m 30s (connect refused)",
		}
		if got := d.heard(); !slices.Equal(got, want) {
			t.Errorf("heard:\n%q\nwant:\n%q", got, want)
		}
		s, err := d.tracker.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		open := 0
		for in := range s.Incidents() {
			switch {
			case in.Incident.Open():
				open++
				if in.Incident.Condition != config.ConditionMonitor {
					t.Errorf("open is %+v", in.Incident)
				}
			case in.Incident.ClosedAs != incident.HandedOver || in.Incident.Finding.From != "seen by fra1 alone":
				t.Errorf("over is %+v", in.Incident)
			}
		}
		if open != 1 { // the network
			t.Errorf("%d incidents are open", open)
		}

		alone = "seen by fra1 alone"
		fail("customer00000")
		if state := look(t, d.tracker).Checks[0].State; state != incident.CheckFailing {
			t.Errorf("alone again it finds the check %s", state)
		}
	})
}

// The incident of a node that is alone and the one that all nodes share have different ids, and so their
// messages different keys, also where all else is equal.
func TestOwnIncidentsHaveOwnIDs(t *testing.T) {
	ids := map[incident.ID]string{}
	for _, salt := range []string{"", "fra1", "nyc1"} {
		synctest.Test(t, func(t *testing.T) {
			var n node
			n.run(t, tracker.Options{Salt: salt})
			defer n.stop()
			n.fails(t.Context())
			if err := n.tracker.Report(t.Context(), "network", &incident.Finding{Cause: config.CauseLocalFault}); err != nil {
				t.Fatal(err)
			}
			s, err := n.tracker.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known := 0
			for in := range s.Incidents() {
				known++
				if other, twice := ids[in.Incident.ID]; twice {
					t.Errorf("%s is an incident of %q and of %q", in.Incident.ID, other, salt)
				}
				ids[in.Incident.ID] = salt
				if len(in.Events) != 2 || in.Events[0].Incident != in.Incident.ID {
					t.Errorf("its events are %+v", in.Events)
				}
			}
			if known != 2 {
				t.Errorf("%d incidents", known)
			}
		})
	}
}

// One that reopens keeps the id that it has.
func TestReopenedKeepsItsOwnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Salt: "fra1"})
		defer n.stop()
		ctx := t.Context()
		n.fails(ctx)
		id := look(t, n.tracker).Incidents[0].ID
		for range 2 {
			n.tracker.Observe(ctx, result())
			time.Sleep(3 * time.Minute)
		}
		n.fails(ctx)
		in := slices.DeleteFunc(look(t, n.tracker).Incidents, func(in api.Incident) bool { return in.Condition == config.ConditionMonitor })
		if len(in) != 1 || in[0].ID != id || in[0].State != incident.StatusOpen {
			t.Errorf("there are %+v, want %s again", in, id)
		}
	})
}

// An incident of the time when the machine was a single one does not reopen under its id in the tracker of a node:
// the journal that all nodes share has it, too.
func TestAnIncidentOfBeforeDoesNotReopenUnderItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := past{}
		var ids []incident.ID
		for _, salt := range []string{"", "fra1"} {
			tr, err := tracker.Open(tracker.Options{Journal: records, Sender: counter{new(int)}, Salt: salt})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { _ = tr.Run(ctx) })
			if err := tr.Configure(ctx, house(1)); err != nil {
				t.Fatal(err)
			}
			for _, symptom := range []string{"refused", "refused", "refused", "", "", ""} {
				r := result()
				if symptom != "" {
					r = result(symptoms[symptom].finding)
				}
				r.Check = "customer00000"
				tr.Observe(ctx, r)
				time.Sleep(2 * time.Minute)
			}
			for _, in := range look(t, tr).Incidents {
				if in.Check == "customer00000" && !slices.Contains(ids, in.ID) {
					ids = append(ids, in.ID)
				}
			}
			if records, err = tr.Records(ctx); err != nil {
				t.Fatal(err)
			}
			stop()
			running.Wait()
		}
		if len(ids) != 2 {
			t.Errorf("the incidents are %q", ids)
		}
	})
}
