package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A machine may be so busy that its trackers answer after seconds: it is alone all the same.
func TestANodeWithSlowTrackersIsAlone(t *testing.T) {
	t.Parallel()
	dirs := []string{t.TempDir(), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		record, err := journal.Open(dirs[0], journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		busy := func() clock.Reading { // so each round takes a while
			time.Sleep(silentAfter + time.Second)
			return clock.Reading{}
		}
		own, err := tracker.Open(tracker.Options{Journal: record, Clock: busy})
		if err != nil {
			t.Fatal(err)
		}
		b := local.New().Connect("fra1")
		n, err := New(Options{Node: "fra1", Bus: b, Dir: dirs[1], Own: own, OpenShared: func(j Journal) (*tracker.Tracker, error) {
			return tracker.Open(tracker.Options{Journal: j, Standby: true})
		}})
		if err != nil {
			t.Fatal(err)
		}
		n.Configure(&config.Config{Cluster: &config.Cluster{
			AloneAfter: time.Minute, Nodes: map[config.NodeID]*config.Node{"fra1": {ID: "fra1", Decide: true}},
		}})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = own.Run(ctx) })
		running.Go(func() { err = n.Run(ctx) })
		time.Sleep(time.Minute + 2*wishesTime)
		if role := n.Role(); role != Alone {
			t.Errorf("it is %s", role)
		}
		if s := n.State(); s.Since.Sub(s.Unheard) < time.Minute {
			t.Errorf("it is alone since %s, and has heard nobody since %s", s.Since, s.Unheard)
		}
		stop()
		running.Wait()
		b.Close()
		if err := errors.Join(err, record.Close()); err != nil {
			t.Error(err)
		}
	})
}
