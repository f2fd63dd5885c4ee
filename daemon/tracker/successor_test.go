package tracker_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// What was handed over goes on as the incident that took its place, or is over with it.
func TestWhatWasHandedOverGoesOnAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{Standby: true})
		defer n.stop()
		happens := func(id incident.ID, condition config.Condition, kind incident.Kind) {
			t.Helper()
			e := incident.Event{
				Kind: kind, At: time.Now(), Since: time.Now(), Incident: id, Check: "customer00000", Condition: condition,
				Finding: &incident.Finding{Condition: condition, Health: incident.Down}, ClosedAs: incident.Recovered,
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			n.tracker.Fold([]journal.Record{{At: e.At, Kind: "incident." + string(kind), Data: text}})
			if err := n.tracker.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(as, want incident.ID, well bool) {
			t.Helper()
			if now, isWell := n.tracker.GoesOnAs("customer00000", as); now != want || isWell != well {
				t.Errorf("%s goes on as %q, well: %v; want %q, %v", as, now, isWell, want, well)
			}
		}
		expect("place", "", true)
		happens("place", config.ConditionLocation, incident.Failing)
		happens("place", config.ConditionLocation, incident.Opened)
		expect("place", "place", false)
		happens("service", config.ConditionService, incident.Failing)
		happens("place", config.ConditionLocation, incident.Closed)
		expect("place", "service", false)
		happens("service", config.ConditionService, incident.Closed)
		expect("place", "", true)
		if now, well := n.tracker.GoesOnAs("gone", "place"); now != "place" || well {
			t.Errorf("of a check that is not in the files it goes on as %q, well: %v", now, well)
		}
	})
}
