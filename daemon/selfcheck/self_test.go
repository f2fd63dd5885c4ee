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

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// lost is a probe of a server on the documentation network that ran into a
// timeout; there is nothing else.
func lost(address string) verdict.Probe {
	p := probed(address + " down connect/timeout")
	p.Target = net.JoinHostPort(address, "993")
	return p
}

// On real sockets: a target that accepts, one that refuses, one that is silent.
func TestTargetsOnRealSockets(t *testing.T) {
	t.Parallel()
	accepting, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer accepting.Close()
	refusing, err := imaptest.ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer refusing.Close()
	_, port, _ := net.SplitHostPort(accepting.Addr().String())
	for _, test := range []struct {
		name    string
		targets []string
		want    incident.Health
	}{
		{"accepts", []string{accepting.Addr().String()}, incident.Down},
		{"refuses", []string{refusing.Addr().String()}, incident.Down},
		{"is a name", []string{net.JoinHostPort("localhost", port)}, incident.Down},
		{"is of the other family", []string{"[::1]:9"}, incident.Unknown}, // as if there were none, just after the start
	} {
		t.Run(test.name, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{})
			self.Use(test.targets)
			if got := judge(t.Context(), self, lost("192.0.2.1")); got.Health() != test.want {
				t.Errorf("%s, want %s: %v", got.Health(), test.want, got.Findings)
			}
		})
	}
}

// Those beside the targets are asked as these are, but for what answers from this machine itself, and
// their names say nothing of the resolver.
func TestAskingThoseBesideTheTargets(t *testing.T) {
	t.Parallel()
	accepting, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer accepting.Close()
	_, port, _ := net.SplitHostPort(accepting.Addr().String())
	name := net.JoinHostPort("localhost", port)
	for _, test := range []struct {
		name string
		own  func(netip.Addr) bool
		want incident.Health
	}{
		{"accepts", nil, incident.Down},
		{"is this machine", netip.Addr.IsLoopback, incident.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			self := selfcheck.New(selfcheck.Options{Own: test.own})
			self.Use(nil, name)
			if got := judge(t.Context(), self, lost("192.0.2.1")); got.Health() != test.want {
				t.Errorf("%s, want %s: %v", got.Health(), test.want, got.Findings)
			}
		})
	}
	nameless := probed("- down dns/timeout")
	nameless.Target = "mx1.example.net:993"
	for want, use := range map[incident.Health]func(*selfcheck.Self){
		incident.Down:    func(s *selfcheck.Self) { s.Use([]string{name}) },
		incident.Unknown: func(s *selfcheck.Self) { s.Use(nil, name) },
	} {
		self := selfcheck.New(selfcheck.Options{})
		use(self)
		if got := judge(t.Context(), self, nameless); got.Health() != want {
			t.Errorf("%s, want %s: %v", got.Health(), want, got.Findings)
		}
	}
}

// The dial is bounded by 3 seconds, and ends with the context.
func TestAskingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := withTargets("ip4")
		began := time.Now()
		if got := judge(t.Context(), self, lost("192.0.2.1")); got.Health() != incident.Unknown {
			t.Errorf("%v", got.Findings)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		judge(ctx, self, lost("192.0.2.1"))
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
				if judge(t.Context(), self, r).Health() == incident.Unknown {
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
		p := lost("192.0.2.1")
		if pace := guarded(t.Context(), plainCheck, p); !pace.At.Equal(p.Ended.Add(time.Minute)) {
			t.Errorf("unknown: again at %v", pace.At)
		}
		if pace := guarded(t.Context(), plainCheck, probed("192.0.2.1 ok")); !pace.At.IsZero() {
			t.Errorf("well: again at %v", pace.At)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		guarded(ctx, plainCheck, lost("192.0.2.1"))
		if want := []incident.Health{incident.Unknown, incident.OK}; !slices.Equal(seen, want) {
			t.Errorf("handed on: %v, want %v", seen, want)
		}
	})
}

// telling runs what tells of this machine's faults until the test ends, and
// gives what was told since the last time.
func telling(t *testing.T, self *selfcheck.Self) func() []string {
	t.Helper()
	var mu sync.Mutex
	var told []string
	var task sync.WaitGroup
	task.Go(func() {
		_ = self.Run(t.Context(), func(_ context.Context, f *incident.Finding) {
			mu.Lock()
			defer mu.Unlock()
			if f == nil {
				told = append(told, "well")
				return
			}
			if f.Condition != config.ConditionMonitor || f.Health != incident.Degraded {
				t.Errorf("%+v", f)
			}
			told = append(told, f.Phase.String()+"/"+string(f.Cause)+": "+f.Hint)
		})
	})
	t.Cleanup(task.Wait)
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		list := told
		told = nil
		return list
	}
}

// Faults that last are told once, those that come and go quickly as one.
func TestFaultsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := withTargets("ip4")
		told := telling(t, self)
		expect := func(when string, want ...string) {
			t.Helper()
			if got := told(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		const cut = "connect/local_fault: Nothing answers over IPv4 any more, as far as this machine can see: its own network seems to be at fault."
		time.Sleep(2 * time.Minute)
		expect("at first")
		time.Sleep(2 * time.Minute)
		expect("when old faults would have come to light again", "well")
		fails := func() {
			judge(t.Context(), self, lost("192.0.2.1"))
			time.Sleep(30 * time.Second)
		}
		fails()
		fails()
		expect("before it has lasted")
		fails()
		expect("once it has lasted", cut)
		fails()
		expect("the same again")
		judge(t.Context(), self, probed("192.0.2.9 ok"))
		time.Sleep(time.Minute)
		fails()
		judge(t.Context(), self, probed("192.0.2.9 ok"))
		time.Sleep(time.Minute)
		expect("well for moments only")
		time.Sleep(80 * time.Second)
		expect("well for a while", "well")
	})
}

// What the probe itself found to be this machine's fault is told, too, but not
// the disturbance after a suspend.
func TestLocalFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newFakeNetwork()
		self := selfcheck.New(selfcheck.Options{Clock: w.clock()})
		told := telling(t, self)
		faulty := func(often int) {
			for range often {
				p := probed("192.0.2.1 unknown connect/local_fault")
				p.Conversations[0].Failure.Hint = "No descriptors."
				judge(t.Context(), self, p)
				time.Sleep(14 * time.Second)
			}
		}
		faulty(6)
		if got := told(); !slices.Equal(got, []string{"connect/local_fault: No descriptors."}) {
			t.Errorf("told: %q", got)
		}
		time.Sleep(4 * time.Minute)
		if got := told(); !slices.Equal(got, []string{"well"}) {
			t.Errorf("minutes later: %q", got)
		}
		w.mu.Lock()
		w.slept = 8 * time.Hour
		w.mu.Unlock()
		faulty(3)
		time.Sleep(2 * time.Minute)
		if got := told(); len(got) > 0 {
			t.Errorf("after a suspend: %q", got)
		}
	})
}

// An address that this machine has no route to any more is its fault, even if the
// check can be judged by the others.
func TestLostRoutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		self := selfcheck.New(selfcheck.Options{})
		told := telling(t, self)
		for range 8 {
			r := probed("192.0.2.1 ok", "2001:db8::1 unknown connect/local_fault")
			judge(t.Context(), self, r)
			time.Sleep(10 * time.Second)
		}
		if got := told(); !slices.Equal(got, []string{"connect/local_fault: said"}) {
			t.Errorf("told: %q", got)
		}
	})
}
