package selfcheck_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
)

// lost is a probe of a server on the documentation network that ran into a
// timeout; there is nothing else.
func lost(address string) incident.Result {
	r := result([]string{address + " down connect/timeout"}, []string{"service down connect/timeout"})
	r.Addresses[0].IP, r.Target = netip.MustParseAddr(address), net.JoinHostPort(address, "993")
	return r
}

// On real sockets: a target that accepts, one that refuses, one that is silent.
func TestTargetsOnRealSockets(t *testing.T) {
	t.Parallel()
	accepting, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer accepting.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(accepting.Addr().String())
	for _, test := range []struct {
		name    string
		targets []string
		want    incident.Health
	}{
		{"accepts", []string{accepting.Addr().String()}, incident.Down},
		{"refuses", []string{refusing}, incident.Down},
		{"is a name", []string{net.JoinHostPort("localhost", port)}, incident.Down},
		{"is of the other family", []string{"[::1]:9"}, incident.Unknown}, // as if there were none, just after the start
	} {
		t.Run(test.name, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{})
			self.Use(test.targets)
			if got := self.Judge(t.Context(), lost("192.0.2.1")); got.Health() != test.want {
				t.Errorf("%s, want %s: %v", got.Health(), test.want, got.Findings)
			}
		})
	}
}

// The dial is bounded by 3 seconds, and ends with the context.
func TestAskingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := withTargets("ip4")
		began := time.Now()
		if got := self.Judge(t.Context(), lost("192.0.2.1")); got.Health() != incident.Unknown {
			t.Errorf("%v", got.Findings)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		self.Judge(ctx, lost("192.0.2.1"))
		if took := time.Since(began); took != time.Second {
			t.Errorf("cancelled, it took %s", took)
		}
	})
}

// Ten thousand checks fail at once: they share what one of them finds out.
func TestEverybodySharesOneAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		self := selfcheck.New(selfcheck.Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		self.Use([]string{"198.51.100.53:53"})
		began := time.Now()
		var judged sync.WaitGroup
		var unknown atomic.Int32
		for i := range 10_000 {
			judged.Go(func() {
				r := lost(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
				if self.Judge(t.Context(), r).Health() == incident.Unknown {
					unknown.Add(1)
				}
			})
		}
		judged.Wait()
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %s", took)
		}
		if n := dials.Load(); n > 10 {
			t.Errorf("%d connections were tried", n)
		}
		if n := unknown.Load(); n != 10_000 {
			t.Errorf("%d are unknown", n)
		}
	})
}

// What could not be judged is probed again within a minute, and a result that
// nobody waits for is not handed on.
func TestGuard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := withTargets("ip4")
		var seen []incident.Health
		guarded := self.Guard(func(_ context.Context, r incident.Result) incident.Pace {
			seen = append(seen, r.Health())
			return incident.Pace{}
		})
		r := lost("192.0.2.1")
		if pace := guarded(t.Context(), r); !pace.At.Equal(r.Ended.Add(time.Minute)) {
			t.Errorf("unknown: again at %v", pace.At)
		}
		if pace := guarded(t.Context(), result([]string{"192.0.2.1 ok"}, nil)); !pace.At.IsZero() {
			t.Errorf("well: again at %v", pace.At)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		guarded(ctx, lost("192.0.2.1"))
		if want := []incident.Health{incident.Unknown, incident.OK}; !slices.Equal(seen, want) {
			t.Errorf("handed on: %v, want %v", seen, want)
		}
	})
}

// observing runs the monitor's observation of itself until the test ends, and
// gives what it last came to.
func observing(t *testing.T, self *selfcheck.Self) func() incident.Result {
	t.Helper()
	var last atomic.Pointer[incident.Result]
	var task sync.WaitGroup
	task.Go(func() {
		_ = self.Run(t.Context(), func(_ context.Context, r incident.Result) incident.Pace {
			last.Store(&r)
			return incident.Pace{}
		})
	})
	t.Cleanup(task.Wait)
	return func() incident.Result {
		synctest.Wait()
		return *last.Load()
	}
}

// Troubles of other rooms stand until they are taken back; they and the faults
// of this machine make one finding.
func TestTroubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := withTargets("ip4")
		latest := observing(t, self)
		expect := func(when string, health incident.Health, hint string) {
			t.Helper()
			last := latest()
			worst, _ := last.Worst()
			if last.Health() != health || worst.Hint != hint || last.Check != selfcheck.ID || len(last.Findings) > 1 ||
				last.Observed != incident.ConditionSet(incident.Monitor) {
				t.Errorf("%s: %s, %v", when, last.Health(), last.Findings)
			}
		}
		const full, cut = "The disk is full.", "Nothing answers over IPv4 any more, as far as this machine can see: its own network seems to be at fault."
		time.Sleep(16 * time.Second)
		expect("at first", incident.OK, "")
		self.Trouble("journal", incident.CauseLocalFault, full)
		time.Sleep(15 * time.Second)
		expect("a full disk", incident.Degraded, full)
		self.Judge(t.Context(), lost("192.0.2.1"))
		time.Sleep(15 * time.Second)
		expect("a fault that may pass", incident.Degraded, full)
		self.Judge(t.Context(), lost("192.0.2.1"))
		time.Sleep(15 * time.Second)
		expect("one that lasts", incident.Down, cut+" "+full)
		self.Well("journal")
		time.Sleep(15 * time.Second)
		expect("the disk has room", incident.Down, cut)
		self.Judge(t.Context(), result([]string{"192.0.2.9 ok"}, nil))
		time.Sleep(15 * time.Second)
		expect("an answer", incident.OK, "")
	})
}

// What the probe itself found to be this machine's fault is a trouble, too, but
// not the disturbance after a suspend.
func TestLocalFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		self := selfcheck.New(selfcheck.Options{Wall: w.now, Boot: w.boot})
		latest := observing(t, self)
		expect := func(when string, want incident.Health) {
			t.Helper()
			if got := latest().Health(); got != want {
				t.Errorf("%s the monitor is %s, want %s", when, got, want)
			}
		}
		faulty := func() {
			for range 3 {
				r := result([]string{"192.0.2.1 unknown connect/local_fault"}, []string{"monitor unknown connect/local_fault"})
				r.Observed = 0
				self.Judge(t.Context(), r)
				time.Sleep(10 * time.Second)
			}
		}
		faulty()
		expect("without descriptors", incident.Down)
		time.Sleep(4 * time.Minute)
		expect("minutes after that", incident.OK)
		w.mu.Lock()
		w.slept = 8 * time.Hour
		w.mu.Unlock()
		faulty()
		expect("after a suspend", incident.OK)
	})
}
