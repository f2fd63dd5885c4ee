package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The files may be read at any moment of a start: the shared tracker gets them. One without files would
// take over and decide nothing.
func TestTheSharedTrackerGetsTheFirstFiles(t *testing.T) {
	t.Parallel()
	n := newRunning(t)
	cfg := filesOf()
	cfg.Digest = "first"
	n.Configure(cfg)
	s, err := n.sharedTracker().Snapshot(t.Context())
	if err != nil || s.Config.Digest != "first" {
		t.Errorf("it decides by %q: %v", s.Config.Digest, err)
	}
}

// newRunning returns the node fra1 as it is when Run has just begun.
func newRunning(t *testing.T) *Node {
	t.Helper()
	record, err := journal.Open(t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := tracker.Open(tracker.Options{Journal: record})
	if err != nil {
		t.Fatal(err)
	}
	b := local.New().Connect("fra1")
	n, err := New(Options{Node: "fra1", Bus: b, Dir: t.TempDir(), Own: own, OpenShared: func(j Journal) (*tracker.Tracker, error) {
		return tracker.Open(tracker.Options{Journal: j, Standby: true})
	}})
	if err != nil {
		t.Fatal(err)
	}
	n.runShared(t.Context())
	t.Cleanup(func() {
		b.Close()
		if err := errors.Join(n.endShared(), n.copy.Close(), record.Close()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// filesOf returns files of a cluster of fra1 alone, with some checks.
func filesOf(checks ...*config.Check) *config.Config {
	cfg := &config.Config{
		Cluster: &config.Cluster{Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Location: "frankfurt", Decide: true}}},
		Checks:  map[config.CheckID]*config.Check{},
	}
	for _, c := range checks {
		cfg.Checks[c.ID] = c
	}
	return cfg
}

// A check that is removed or paused while it fails, and comes back later, has not failed all the time: nobody has
// looked.
func TestWhatANodeSawOfARemovedCheckIsForgotten(t *testing.T) {
	t.Parallel()
	check := &config.Check{ID: "mx1/imaps", Enabled: true, Quorum: config.Quorum{Nodes: 1, Agree: 1}}
	paused := *check
	paused.Enabled = false
	for name, without := range map[string]*config.Config{"removed": filesOf(), "paused": filesOf(&paused)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newRunning(t)
			n.Configure(filesOf(check))
			n.Observe(t.Context(), incident.Result{
				Check: check.ID, Started: time.Now(), Ended: time.Now(), Observed: config.ConditionSet(config.ConditionService),
				Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseTimeout}},
			})
			if len(n.allSights()) != 1 {
				t.Fatal("it has seen nothing")
			}
			n.Configure(without)
			if sights := n.allSights(); len(sights) != 0 {
				t.Errorf("it still says what it saw: %d packets", len(sights))
			}
		})
	}
}
