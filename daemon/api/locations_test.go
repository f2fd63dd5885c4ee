package api_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// fromThreeNodes returns what the daemon says of a check that three nodes probe: one sees it refuse, one
// says that it is well, and one was never heard.
func fromThreeNodes(t *testing.T) (c api.Check) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		seen(t, func(tr *tracker.Tracker) {
			now := time.Now()
			tr.Observe(t.Context(), incident.Result{
				Check: "well", Started: now.Add(-3 * time.Second), Ended: now, Observed: config.ConditionSet(config.ConditionService),
				Sightings: []incident.Sighting{
					{
						Node: "fra1", Location: "frankfurt", Health: incident.Down, Standing: "failing", Phase: config.PhaseGreeting, Cause: config.CauseBye,
						Hint: "The server ends the session at once.", Evidence: opaque.Sanitise("* BYE <b>\x1b[2J"), At: now.Add(-3 * time.Second), Since: now.Add(-time.Minute),
					},
					{Node: "lon1", Location: "london", Health: incident.Unknown, Standing: "silent"},
					{Node: "nyc1", Location: "new-york", Health: incident.OK, Standing: "well", At: now.Add(-time.Second), Took: 84500 * time.Microsecond},
				},
			})
			s, err := tr.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f := &fake{snapshot: s}
			for _, one := range api.NewStatus(s, f.Self(), f.NextProbe).Checks {
				if one.ID == "well" {
					c = one
				}
			}
		})
	})
	return c
}

// What each of several nodes sees is in the status, as the description says.
func TestLocations(t *testing.T) {
	c := fromThreeNodes(t)
	text, err := json.MarshalIndent(c.Locations, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("testdata", "locations.json"), string(text)+"\n")
	whole, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(whole, &plain); err != nil {
		t.Fatal(err)
	}
	if err := description(t).Components.Schemas["Check"].Value.VisitJSON(plain); err != nil {
		t.Error(err)
	}
}

// What some nodes are asked is said beside the state that is known until they have answered.
func TestAskingAndUnreported(t *testing.T) {
	at := func(state incident.Health, standing, node, place string) api.Location {
		return api.Location{Node: node, Location: place, State: state, Standing: standing}
	}
	failing, well := at(incident.Down, "failing", "fra1", "frankfurt"), at(incident.OK, "well", "lon1", "london")
	asked, silent := at(incident.OK, "asking", "nyc1", "new-york"), at(incident.Unknown, "silent", "lon1", "london")
	failingAsked := at(incident.Down, "asking", "fra1", "frankfurt")
	for _, c := range []struct {
		state      incident.CheckState
		locations  []api.Location
		asking     string
		unreported bool
	}{
		{incident.CheckOK, nil, "", false},
		{incident.CheckUnknown, nil, "", false},
		{incident.CheckOK, []api.Location{failing, well}, "", false},
		{incident.CheckOK, []api.Location{failing, well, asked}, "fails from frankfurt; asking nyc1", false},
		{incident.CheckDown, []api.Location{failingAsked, well}, "asking fra1", false},
		{incident.CheckUnknown, []api.Location{silent}, "", true},
		{incident.CheckUnknown, []api.Location{silent, well}, "", false},
		{incident.CheckDown, []api.Location{silent}, "", false},
	} {
		check := &api.Check{State: c.state, Locations: c.locations}
		if got := check.Asking(); got != c.asking || check.IsUnreported() != c.unreported {
			t.Errorf("%s seen by %+v: %q, unreported %t", c.state, c.locations, got, check.IsUnreported())
		}
	}
}
