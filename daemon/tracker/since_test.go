package tracker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// What several nodes see well they may have seen for longer than this one decides, and it is shown so.
func TestSinceWhenACheckIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n node
		n.run(t, tracker.Options{})
		defer n.stop()
		want := time.Now().Add(-time.Hour)
		r := result()
		r.Began = []incident.Beginning{{Condition: config.ConditionService, At: want}}
		n.tracker.Observe(t.Context(), r)
		time.Sleep(time.Minute)
		n.tracker.Observe(t.Context(), result())
		s, err := n.tracker.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c, _ := s.Check("customer00000")
		if got := c.StateSince(c.State(time.Now())); !got.Equal(want) {
			t.Errorf("it is well since %s, not %s", got, want)
		}
	})
}
