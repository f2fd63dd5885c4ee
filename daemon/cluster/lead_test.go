package cluster_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// The end of the decider's machine is not to be the end of the server that leads the journal, too. It is moved
// once in ten minutes at most, and never while the journal takes nothing.
func TestJournalIsLedOnAnotherMachineThanTheDeciders(t *testing.T) {
	t.Parallel()
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, loadFiles(t, string(house),
			&config.Node{ID: "fra1", Location: "frankfurt", Decide: true}, &config.Node{ID: "nyc1", Location: "new-york", Decide: true}))
		s.createStream()
		defer s.end()
		for _, m := range s.sorted() {
			m.start()
		}
		led := func(after time.Duration, want string) {
			t.Helper()
			s.reach(s.begin.Add(after))
			if is := s.net.Leader(); is != want {
				t.Errorf("after %s the journal is led by %q, not %q", after, is, want)
			}
		}
		s.net.Lead("bus on nyc1")
		led(5*time.Minute, "bus on nyc1") // fra1 decides
		s.net.CutStream(true)
		s.net.Lead("bus on fra1")
		led(5*time.Minute+11*time.Second, "bus on fra1")
		s.net.CutStream(false)
		led(7*time.Minute, "elsewhere")
		s.net.Lead("bus on fra1") // the servers did that themselves
		led(15*time.Minute, "bus on fra1")
		led(18*time.Minute, "elsewhere")
	})
}
