package tracker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
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
