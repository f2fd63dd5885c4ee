package probe

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Probes have no more files open than they may; one that gets none blames this
// machine, and what they had comes back.
func TestDescriptorsOfProbes(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	port := silent.Addr().(*net.TCPAddr).Port
	p := New(Options{Descriptors: 2})
	probe := func(ctx context.Context, id config.CheckID, host string) incident.Result {
		return p.judged(ctx, id, config.Probe{
			Hostname: host, Port: uint16(port), Security: config.Plain, Timeout: time.Minute, Interval: time.Minute,
		})
	}
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	var hanging sync.WaitGroup
	for _, id := range []config.CheckID{"a", "b"} {
		hanging.Go(func() { probe(ctx, id, "127.0.0.1") })
	}
	for p.descriptors.used.Load() < 2 {
		time.Sleep(time.Millisecond) // nothing tells of a connection that is being opened
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		r := probe(t.Context(), "c", host)
		f, _ := r.Worst()
		if r.Health() != incident.Unknown || f.Cause != config.CauseLocalFault || !strings.Contains(f.Hint, "no file descriptors left") {
			t.Errorf("a third probe, of %s, found %v", host, r.Findings)
		}
	}
	hangUp()
	hanging.Wait()
	_ = silent.Close()
	if n := p.descriptors.used.Load(); n != 0 {
		t.Errorf("%d are still taken", n)
	}
	if r := probe(t.Context(), "c", "127.0.0.1"); r.Health() != incident.Down {
		t.Errorf("afterwards a probe found %v", r.Findings)
	}
}
