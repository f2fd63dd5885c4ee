package incident_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func TestFact(t *testing.T) {
	t.Parallel()
	undelivered := incident.Finding{Condition: config.ConditionMonitor, Health: incident.Degraded, Cause: config.CauseUndelivered}
	other := undelivered
	other.Cause = config.CauseLocalFault
	worse := undelivered
	worse.Health = incident.Down
	p := &player{t: t}
	var ids []incident.ID
	for _, step := range []struct {
		after   time.Duration
		finding *incident.Finding
		want    string
	}{
		{0, nil, ""},
		{time.Minute, &undelivered, "    monitor failing since 1m0s, undelivered in \n    monitor opened since 1m0s, undelivered in \n"},
		{2 * time.Minute, &undelivered, ""},
		{3 * time.Minute, &worse, "    monitor changed, undelivered in \n"},
		{4 * time.Minute, &other, "    monitor cause, local_fault in \n"},
		{5 * time.Minute, nil, "    monitor closed as recovered since 5m0s\n"},
		{6 * time.Minute, nil, ""},
		{7 * time.Minute, &undelivered, "    monitor failing since 7m0s, undelivered in \n    monitor opened since 7m0s, undelivered in \n"},
		{8 * time.Minute, nil, "    monitor closed as recovered since 8m0s\n"},
		{2 * time.Hour, &undelivered, "    monitor failing since 2h0m0s, undelivered in \n    monitor opened since 2h0m0s, undelivered in \n"},
	} {
		p.out.Reset()
		events := incident.ObserveMonitor(p.live, ":messages", step.finding, epoch.Add(step.after))
		p.happen(events)
		if diff := cmp.Diff(step.want, p.out.String()); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.after, diff)
		}
		if len(events) == 2 {
			ids = append(ids, events[0].Incident)
		}
	}
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] == ids[2] {
		t.Errorf("incidents %v: soon after its end it is the same, later another one", ids)
	}
}
