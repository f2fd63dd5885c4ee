package tracker_test

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A journal that several nodes share begins with what is over, with its messages and the silences. What
// is open, and what is wrong with this machine, stays in the journal of this machine.
func TestWhatIsOverIsHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := house(2)
		d := &deliverer{}
		var err error
		if d.tracker, err = tracker.Open(tracker.Options{Journal: past{}, Sender: d}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = d.tracker.Run(ctx) }()
		defer func() { stop(); <-ended }()
		if err := d.tracker.Configure(ctx, cfg); err != nil {
			t.Fatal(err)
		}
		sees := func(check config.CheckID, symptom string) {
			r := result(symptoms[symptom].finding)
			if symptom == "" {
				r = result()
			}
			r.Check = check
			d.tracker.Observe(ctx, r)
		}
		for range 6 {
			sees("customer00000", "refused")
			time.Sleep(time.Minute)
		}
		for range 6 {
			sees("customer00000", "")
			sees("customer00001", "refused")
			time.Sleep(time.Minute)
		}
		if err := d.tracker.Report(ctx, "network", &incident.Finding{Cause: config.CauseLocalFault, Hint: "It is slow."}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.tracker.Silence(ctx, outbox.Silence{Scope: outbox.Scope{Check: "customer00001"}, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}

		records, err := d.tracker.Records(ctx)
		if err != nil {
			t.Fatal(err)
		}
		next, err := tracker.Open(tracker.Options{Journal: past(records), Sender: d, Standby: true})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = next.Run(ctx) }()
		s, err := next.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		known := 0
		for in := range s.Incidents() {
			known++
			if in.Incident.Check != "customer00000" || in.Incident.ClosedAs != incident.Recovered {
				t.Errorf("%s of %s is handed out, %s", in.Incident.ID, in.Incident.Check, in.Incident.ClosedAs)
			}
			messages := 0
			for range s.Deliveries(in) {
				messages++
			}
			if messages == 0 {
				t.Error("nothing is known of its messages")
			}
		}
		if known != 1 || len(s.Silences) != 1 {
			t.Errorf("%d incidents and %d silences are handed out", known, len(s.Silences))
		}
	})
}

// Reports are not sent again by the nodes: neither those that have arrived nor those that this machine is
// still sending.
func TestReportsAreHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deliverer{broken: map[config.NotifierID]bool{"email.broken": true}}
		var err error
		if d.tracker, err = tracker.Open(tracker.Options{Journal: past{}, Sender: d, Node: "fra1"}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.tracker.Run(ctx) })
		defer func() { stop(); running.Wait() }()
		if err := d.tracker.Configure(ctx, house(1)); err != nil {
			t.Fatal(err)
		}
		period := outbox.ReportNotice{Report: "monthly", At: time.Now(), From: time.Now().AddDate(0, -1, 0), Until: time.Now()}
		arrives, waits := period, period
		arrives.Key, arrives.NotifyID = "report/monthly/1999-12", config.NotifyID{Notifier: "email.mail", Target: "it@example.net"}
		waits.Key, waits.NotifyID = "report/yearly/1999", config.NotifyID{Notifier: "email.broken", Target: "it@example.net"}
		for _, n := range []outbox.ReportNotice{arrives, waits} {
			if err := d.tracker.SendReport(ctx, []outbox.ReportNotice{n}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		records, err := d.tracker.Records(ctx)
		if err != nil {
			t.Fatal(err)
		}

		sent := 0
		next, err := tracker.Open(tracker.Options{Journal: past(records), Sender: counter{&sent}})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = next.Run(ctx) })
		if err := next.Configure(ctx, house(1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		s, err := next.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		states := map[outbox.Key]outbox.DeliveryState{}
		for _, r := range s.Reports {
			states[r.Key] = r.State
		}
		if want := map[outbox.Key]outbox.DeliveryState{arrives.Key: outbox.Sent, waits.Key: outbox.Dead}; !maps.Equal(states, want) || sent != 0 {
			t.Errorf("the nodes know %v, and have sent %d", states, sent)
		}
	})
}

// A counter counts what it is given to send.
type counter struct{ sent *int }

func (c counter) Send(config.NotifyID, json.RawMessage, notifiers.Message) { *c.sent++ }
