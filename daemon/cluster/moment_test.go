package cluster_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/cluster"
)

// Two nodes that do not hear each other begin at the same moment. The journal takes one of them.
func TestOfTwoThatBeginAtTheSameMomentOneDecides(t *testing.T) {
	t.Parallel()
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, loadFiles(t, string(house),
			&config.Node{ID: "fra1", Location: "frankfurt", Decide: true}, &config.Node{ID: "nyc1", Location: "new-york", Decide: true}))
		s.createStream()
		s.net.Delay(20 * time.Millisecond) // so that both have read the journal before one of them appends
		s.net.CutOneWay("fra1", "nyc1")
		s.net.CutOneWay("nyc1", "fra1")
		defer s.end()
		for _, m := range s.sorted() {
			m.start()
		}
		deciding := func() (n int) {
			for _, m := range s.sorted() {
				if m.process.node.Role() == cluster.Deciding {
					n++
				}
			}
			return n
		}
		s.reach(s.begin.Add(4900 * time.Millisecond))
		if n := deciding(); n != 0 {
			t.Errorf("%d nodes decide before their time", n)
		}
		s.reach(s.begin.Add(6 * time.Second))
		if n := deciding(); n != 1 {
			t.Errorf("%d nodes decide", n)
		}
	})
}
