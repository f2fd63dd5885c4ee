package cluster_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/cluster"
)

// threeNodes begins a stage with three nodes that may decide, and lets them find who does: fra1.
func threeNodes(t *testing.T) *stage {
	t.Helper()
	s := newThreeNodes(t)
	s.startAll()
	s.reach(s.begin.Add(10 * time.Second))
	return s
}

// newThreeNodes begins a stage with three nodes that may decide, which are not started.
func newThreeNodes(t *testing.T) *stage {
	t.Helper()
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	must(t, err)
	return newStage(t, loadFiles(t, string(house),
		&config.Node{ID: "fra1", Location: "frankfurt", Decide: true}, &config.Node{ID: "lon1", Location: "london", Decide: true},
		&config.Node{ID: "nyc1", Location: "new-york", Decide: true}))
}

// startAll makes the shared journal, and starts all nodes.
func (s *stage) startAll() {
	s.createStream()
	for _, m := range s.sorted() {
		m.start()
	}
}

func (s *stage) node(name string) *cluster.Node { return s.machine(name).process.node }

func TestWhoeverDecidesIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		for _, from := range []string{"fra1", "lon1"} { // also by itself
			answer, err := s.node(from).AskDecider(t.Context(), []byte("status"))
			if err != nil || string(answer) != "fra1 decides, asked status" {
				t.Errorf("%s is answered %q, %v", from, answer, err)
			}
		}
		must(t, s.node("fra1").StepDown(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if answer, err := s.node("nyc1").AskDecider(ctx, []byte("status")); err == nil {
			t.Errorf("nobody decides, and it is answered %q", answer)
		}
		s.reach(time.Now().Add(2 * time.Second))
		if answer, err := s.node("nyc1").AskDecider(t.Context(), []byte("status")); err != nil || string(answer) != "lon1 decides, asked status" {
			t.Errorf("the next one is asked: %q, %v", answer, err)
		}
	})
}

func TestEachNodeIsAskedByItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		for _, name := range []config.NodeID{"fra1", "nyc1"} {
			answer, err := s.node("fra1").AskNode(t.Context(), name, []byte("history"))
			if err != nil || string(answer) != string(name)+", asked history" {
				t.Errorf("%s answers %q, %v", name, answer, err)
			}
		}
		s.net.Cut("fra1")
		if _, err := s.node("fra1").AskNode(t.Context(), "nyc1", nil); !errors.Is(err, bus.ErrCut) {
			t.Errorf("without the bus: %v", err)
		}
	})
}

func TestOnlyWhoDecidesStepsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		if err := s.node("nyc1").StepDown(t.Context()); !errors.Is(err, cluster.ErrNotDeciding) {
			t.Errorf("a node that follows: %v", err)
		}
		must(t, s.node("fra1").StepDown(t.Context()))
		if role := s.node("fra1").Role(); role != cluster.Following {
			t.Errorf("it is %s when StepDown returns", role)
		}
		s.reach(time.Now().Add(15 * time.Second)) // it would have had its turn
		if d := s.node("fra1").Decider(); d != "lon1" {
			t.Errorf("%q decides", d)
		}
	})
}

// Each check has its nodes, which take turns; a node that is cut off keeps its checks.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		places := func(id config.CheckID) (seen []int) {
			seen = make([]int, 4)
			for _, m := range s.sorted() {
				if m.process == nil {
					continue
				}
				if place, of := m.process.node.Turn(id); of > 0 {
					seen[place]++
					seen[3] = of
				}
			}
			return seen
		}
		if got := places("mx1/imaps"); got[0] != 1 || got[1] != 1 || got[2] != 1 || got[3] != 3 {
			t.Errorf("places %v", got)
		}
		s.machine("nyc1").kill()
		s.reach(time.Now().Add(5 * time.Second))
		if got := places("mx1/imaps"); got[0] != 1 || got[1] != 1 || got[3] != 2 {
			t.Errorf("when one node is gone: places %v", got)
		}
		s.net.Cut("lon1")
		s.reach(time.Now().Add(time.Hour))
		if _, of := s.node("lon1").Turn("mx1/imaps"); of != 2 {
			t.Errorf("who is cut off has another share: one of %d", of)
		}
		if place, of := s.node("fra1").Turn("mx1/imaps"); place != 0 || of != 1 {
			t.Errorf("who decides goes on alone: %d of %d", place, of)
		}
		if s.node("fra1").Probes("mx9/imaps") {
			t.Error("it probes what is not in the files")
		}
	})
}

// A check that a person wants rechecked is probed at once by all of its nodes, with its login by the one that logs
// in. One that only another node wants to know of leaves rejected logins alone.
func TestARecheckReachesTheNodeThatLogsIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		var first string
		retried := func() (by []string) {
			for _, m := range s.sorted() {
				if place, _ := m.process.node.Turn("mx1/imaps"); place == 0 {
					first = string(m.id)
				}
				m.mu.Lock()
				for range m.retried {
					by = append(by, string(m.id))
				}
				m.mu.Unlock()
			}
			return by
		}
		s.node("lon1").WakeNodes("mx1/imaps")
		s.reach(time.Now().Add(time.Second))
		if by := retried(); len(by) != 0 {
			t.Errorf("%q try a rejected login that nobody has asked for", by)
		}
		for _, asked := range []string{"fra1", "lon1", "nyc1"} {
			s.node(asked).RecheckNodes("mx1/imaps")
		}
		s.reach(time.Now().Add(time.Second))
		if by := retried(); !slices.Equal(by, []string{first, first, first}) {
			t.Errorf("asked three times, %q try the login, and %s logs in", by, first)
		}
		s.net.Cut(first)
		s.node(first).RecheckNodes("mx1/imaps")
		s.reach(time.Now().Add(time.Second))
		if by := retried(); len(by) != 4 {
			t.Errorf("without the bus %q have tried it", by)
		}
	})
}

// Without the cluster block the nodes are as they were until a restart.
func TestFilesWithoutNodesNeedARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		cfg := *s.machine("lon1").config()
		cfg.Cluster = nil
		s.node("lon1").Configure(&cfg)
		s.reach(time.Now().Add(5 * time.Second))
		if st := s.node("lon1").State(); st.Decider != "fra1" || len(st.Nodes) != 3 {
			t.Errorf("%+v", st)
		}
	})
}

// A node that does not answer what it saw keeps nobody from being asked that comes back meanwhile.
func TestASlowNodeKeepsNobodyFromBeingAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newThreeNodes(t)
		defer s.end()
		var mu sync.Mutex
		var asked []time.Duration // of nyc1
		s.onAsk = func(from config.NodeID, to string) (hangs bool) {
			if from == "fra1" && to == "nyc1" {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, time.Since(s.begin))
			}
			return from == "fra1" && to == "lon1"
		}
		s.startAll()
		s.reach(s.begin.Add(8 * time.Second))
		s.machine("nyc1").kill()
		s.reach(s.begin.Add(12 * time.Second))
		s.machine("nyc1").start()
		s.reach(s.begin.Add(15 * time.Second))
		mu.Lock()
		defer mu.Unlock()
		// Each time twice: what people have asked of it, and what it saw.
		if n := len(asked); n != 4 || asked[1] > 8*time.Second || asked[2] < 12*time.Second {
			t.Errorf("nyc1 is asked after %s", asked)
		}
	})
}
