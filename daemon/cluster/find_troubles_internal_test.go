package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The disk of a node is full, that of a follower or that of the decider itself: people hear of it, and the node
// is the last that takes over.
func TestFullDisksAreTold(t *testing.T) {
	t.Parallel()
	for node, want := range map[config.NodeID]string{"a1": "on a1, which decides,", "b1": "That node is the last to take over."} {
		e := newEar("a1", "a1", "b1", "c1")
		e.pass(time.Minute, "a1", "a1", "b1", "c1")
		hb := e.beats[node]
		hb.Copy = "it is not on the disk: no space left on device"
		e.beats[node] = hb
		e.pass(pulsePause, "a1", "a1", "b1", "c1")
		if order := e.order(); !strings.HasSuffix(order, string(node)+"]") {
			t.Errorf("they take over in the order %s", order)
		}
		b := local.New().Connect("a1")
		defer b.Close()
		d := &decider{Node: &Node{
			Options: Options{Node: "a1", Wall: func() time.Time { return e.now }, Bus: b},
			cfg:     &config.Config{Cluster: &config.Cluster{Nodes: e.nodes}}, hearing: e.hearing,
		}}
		log := &troubleLog{since: map[tracker.Trouble]time.Time{}, open: map[tracker.Trouble]bool{}}
		told := func() (hints []string) {
			for _, r := range log.next(d.findTroubles(agree.Summary{}, e.now), e.now) {
				if strings.HasPrefix(string(r.name), copyTrouble) {
					hints = append(hints, r.finding.Hint)
				}
			}
			return hints
		}
		if hints := told(); len(hints) > 0 {
			t.Errorf("told at once: %q", hints)
		}
		e.pass(faultTime, "a1", "a1", "b1", "c1")
		if hints := told(); len(hints) != 1 || !strings.Contains(hints[0], want) || !strings.Contains(hints[0], "no space left") {
			t.Errorf("told of %s: %q", node, hints)
		}
	}
}

// A node that is gone from the files, and comes back with the same trouble, has had it since it came back.
func TestTheTroubleOfANodeThatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	log := &troubleLog{since: map[tracker.Trouble]time.Time{}, open: map[tracker.Trouble]bool{}}
	slow := []trouble{{name: clockTrouble + "lon1", wrong: "The clock of lon1 is wrong.", after: faultTime}}
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		list  []trouble
	}{{0, slow}, {time.Second, nil}, {2 * faultTime, slow}} {
		if reports := log.next(c.list, now.Add(c.after)); len(reports) > 0 {
			t.Errorf("after %s is reported: %v", c.after, reports)
		}
	}
}
