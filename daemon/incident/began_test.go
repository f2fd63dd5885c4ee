package incident_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What several nodes agree on began when they say, for each condition by itself; the tolerance counts
// from then.
func TestWhatSeveralAgreeOnBeganEarlier(t *testing.T) {
	r := incident.Result{
		Check: "mx1/imaps", Started: epoch.Add(time.Minute), Ended: epoch.Add(time.Minute),
		Observed: config.ConditionSet(config.ConditionService, config.ConditionCertificate),
		Findings: []incident.Finding{
			{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseTimeout},
			{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon},
		},
		Began: []incident.Beginning{{Condition: config.ConditionService, At: epoch}},
	}
	_, events := incident.Observe(config.Policy{}, incident.State{}, r)
	since := map[config.Condition]time.Time{}
	for _, e := range events {
		since[e.Condition] = e.Since
	}
	if !since[config.ConditionService].Equal(epoch) || !since[config.ConditionCertificate].Equal(r.Started) {
		t.Errorf("they fail since %v", since)
	}
}

// What several nodes see well ended when they say, unless they say that it was well before it failed: they have not
// seen it fail.
func TestWhatSeveralSeeWellEndedEarlier(t *testing.T) {
	failed := incident.Result{
		Check: "mx1/imaps", Started: epoch, Ended: epoch, Observed: config.ConditionSet(config.ConditionService),
		Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseTimeout}},
	}
	_, events := incident.Observe(config.Policy{}, incident.State{}, failed)
	state := incident.Apply(incident.State{}, events[0])
	for _, c := range []struct {
		said, want time.Duration // after it failed
	}{{20 * time.Minute, 20 * time.Minute}, {0, time.Hour}, {-time.Minute, time.Hour}} {
		well := incident.Result{
			Check: "mx1/imaps", Started: epoch.Add(time.Hour), Ended: epoch.Add(time.Hour), Observed: config.ConditionSet(config.ConditionService),
			Began: []incident.Beginning{{Condition: config.ConditionService, At: epoch.Add(c.said)}},
		}
		_, events := incident.Observe(config.Policy{}, state, well)
		if len(events) != 1 || events[0].Kind != incident.Recovering || !events[0].Since.Equal(epoch.Add(c.want)) {
			t.Errorf("well since %s after it failed: %+v", c.said, events)
		}
	}
}
