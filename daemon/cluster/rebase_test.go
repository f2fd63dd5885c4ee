package cluster_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// Who writes the whole state into a journal that has lost records says so until it decides.
func TestWhoRebasesSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := threeNodes(t)
		defer s.end()
		listener := s.net.Connect("listener")
		defer listener.Close()
		var says, decides atomic.Int64
		stop, err := listener.Listen(bus.Heartbeat("fra1"), func(m bus.Message) {
			if bytes.Contains(m.Data, []byte(`"rebasing":true`)) {
				says.Add(1)
				if s.node("fra1").Role() != "following" {
					decides.Add(1)
				}
			}
		})
		must(t, err)
		defer stop()
		s.set("mx1/imaps", "", "connect timeout")
		s.reach(time.Now().Add(2 * time.Minute))
		s.net.LoseEnd(2)
		s.reach(time.Now().Add(time.Minute))
		if says.Load() == 0 || decides.Load() > 0 || s.node("nyc1").Decider() != "fra1" {
			t.Errorf("it says so %d times, %d of them when it decides; %q decides", says.Load(), decides.Load(), s.node("nyc1").Decider())
		}
	})
}
