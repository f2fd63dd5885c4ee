package agree_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/agree"
)

// Whoever decides hears nobody for a while. Then it hears the one node first that saw a failure before: that
// counts from now on, and a tolerance begins with it.
func TestWhatWasSeenBeforeItCountsIsNoObservationFromBefore(t *testing.T) {
	members := []agree.Member{{Node: "fra1", Location: "frankfurt"}, {Node: "nyc1", Location: "new-york"}, {Node: "lon1", Location: "london"}}
	rule := agree.Rule{Agree: 2, Fresh: time.Minute, Settings: 1}
	view := agree.NewView(began)
	for i, kind := range [][]string{{"tls", "timeout"}, {"ok"}, {"ok"}} {
		view.Take((&agree.Memory{}).See(members[i].Node, result(kind, began.Add(time.Second)), 1))
	}
	view.Agree(members, rule, began.Add(2*time.Second))
	for i := range members {
		members[i].Silent = true
	}
	short := began.Add(20 * time.Second)
	view.Agree(members, rule, short)
	members[0].Silent = false
	r := view.Agree(members, rule, began.Add(21*time.Second)).Result
	if len(r.Began) != 1 || !r.Began[0].At.Equal(short) || r.Ended.Before(short) {
		t.Errorf("it began at %v, and was seen until %s", r.Began, r.Ended.Sub(began))
	}
}
