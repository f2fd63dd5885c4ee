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
