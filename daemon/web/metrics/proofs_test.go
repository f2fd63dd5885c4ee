package metrics

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Of several targets the one counts that has waited longest, once; where one has never been sent
// anything, nothing is known.
func TestProofsOfSeveralTargets(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	list := []api.Destination{
		{Role: "it_team", Notifier: "sms.x", Target: "+1", ProvedAt: &late},
		{Role: "it_team", Notifier: "slack.x", ProvedAt: &late},
		{Role: "it_team", Notifier: "sms.x", Target: "+2", ProvedAt: &early},
		{Role: "cto", Notifier: "sms.x", Target: "+3", ProvedAt: &late},
		{Role: "cto", Notifier: "sms.x", Target: "+4"},
	}
	for i, want := range []int64{1000, 2000, 0, 0, 0} {
		if got, known := oldestProof(list, list[i].Role, list[i].Notifier, i); known != (want > 0) || known && got != want {
			t.Errorf("%d: %d, %t", i, got, known)
		}
	}
}
