package cluster

import (
	"errors"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The files may be read at any moment of a start: the shared tracker gets them. One without files would
// take over and decide nothing.
func TestTheSharedTrackerGetsTheFirstFiles(t *testing.T) {
	t.Parallel()
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
	n.runShared(t.Context()) // Run has just begun
	cfg := &config.Config{Digest: "first", Cluster: &config.Cluster{Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}}}}
	n.Configure(cfg)
	s, err := n.sharedTracker().Snapshot(t.Context())
	if err != nil || s.Config.Digest != "first" {
		t.Errorf("it decides by %q: %v", s.Config.Digest, err)
	}
	b.Close()
	if err := errors.Join(n.endShared(), n.copy.Close(), record.Close()); err != nil {
		t.Error(err)
	}
}
