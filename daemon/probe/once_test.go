package probe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// dialTimeout is a network that drops everything.
func dialTimeout(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
}

func TestOneSessionPerUserAndServer(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "tls\nS: * OK ready\nuntil LOGIN *\npause 2s\nS: $tag OK done\nserve")
		b.login(config.Login{Username: "alice"})
		var probing sync.WaitGroup
		results := make([]incident.Result, 4)
		began := time.Now()
		for i, id := range []config.CheckID{"a", "b", "c", "d"} {
			probing.Go(func() { results[i] = b.prober.judged(b.t.Context(), id, b.check) })
		}
		probing.Wait()
		loggedIn := 0
		for _, r := range results {
			if r.Observed.Has(config.ConditionAccount) {
				b.expect(r, "ok")
				loggedIn++
			} else {
				b.expect(r, "unknown login/login_not_tried account")
			}
			if r.Observed.Has(config.ConditionService) != r.Observed.Has(config.ConditionAccount) {
				t.Errorf("the service is observed without a login that was due: %b", r.Observed)
			}
			if waited := r.Ended.Sub(r.Started) - r.Addresses[0].Timings[config.WholeConversation]; waited < 0 {
				t.Errorf("the total of %v is more than the probe took", r.Addresses[0].Timings[config.WholeConversation])
			}
			if took := r.Addresses[0].Timings[config.WholeConversation]; took > 3*time.Second {
				t.Errorf("waiting for another session counts as the server's time: %v", took)
			}
		}
		// Two seconds each, one after the other, patience for five: the fourth
		// goes without.
		if took := time.Since(began); loggedIn != 3 || took != 6*time.Second {
			t.Errorf("%d logins in %v", loggedIn, took)
		}
	})
}

func TestSessionEndsEvenWhenTheServerHangs(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "tls\nS: * OK ready\nuntil LOGIN *\nsilence\n--- next connection\n"+polite)
		b.login(config.Login{Username: "alice"})
		b.expect(b.probe(), "down login/timeout")
		b.expect(b.probe(), "ok")
		if b.logins("192.0.2.1") != 2 {
			t.Error("the user's turn was never given back")
		}
	})
}

func TestCancelledProbeReturnsAtOnce(t *testing.T) {
	for name, script := range map[string]string{
		"handshake": "silence",
		"greeting":  "tls\nsilence",
		"login":     "tls\nS: * OK ready\nuntil LOGIN *\nsilence",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.serve("192.0.2.1", script)
				b.login(config.Login{Username: "alice"})
				ctx, cancel := context.WithTimeout(b.t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				b.prober.judged(ctx, "check", b.check)
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("returned %v after it was cancelled", took-3*time.Second)
				}
			})
		})
	}
}

func TestClockStepMakesFailuresUnknownForOneRound(t *testing.T) {
	for name, step := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "suspend": 8 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				var offset time.Duration
				began := time.Now()
				b.prober.watch = clock.New(clock.Options{
					Wall: func() time.Time { return time.Now().Add(offset) },
					Boot: func() time.Duration {
						if name == "suspend" {
							return time.Since(began) + offset
						}
						return time.Since(began)
					},
				})
				b.resolveTo("192.0.2.1")
				b.expect(b.probe(), "down connect/refused")
				offset = step
				r := b.probeAfter(time.Minute)
				b.expect(r, "unknown /local_fault monitor")
				if r.Observed != 0 || r.Addresses[0].Health != incident.Unknown {
					t.Errorf("observed %b, address %s", r.Observed, r.Addresses[0].Health)
				}
				b.expect(b.probeAfter(time.Minute), "down connect/refused")
				offset = 0
				b.serve("192.0.2.1", polite)
				b.expect(b.probeAfter(time.Minute), "ok") // what is well is well
			})
		})
	}
}

func TestRouteThatIsLostMakesItsAddressesUnknown(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var told []string
		b.prober.routes.leftOut = func(family string) { told = append(told, family) }
		b.prober.routes.exists = func(target netip.AddrPort) bool { return target.Addr().Is4() }
		b.serve("192.0.2.1", polite)
		b.serve("2001:db8::1", polite)
		b.expect(b.probe(), "ok")
		working := b.prober.dial
		b.prober.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if netip.MustParseAddrPort(address).Addr().Is6() {
				return nil, syscall.ENETUNREACH
			}
			return working(ctx, network, address)
		}
		r := b.probe()
		b.expect(r, "ok")
		if len(r.Addresses) != 2 || r.Addresses[1].Health != incident.Unknown || r.Observed.Has(config.ConditionAddresses) {
			t.Errorf("addresses %+v, observed %b", r.Addresses, r.Observed)
		}
		if len(told) != 0 {
			t.Errorf("left out %v, which had worked", told)
		}
	})
}

func TestFamilyWithoutARouteIsToldOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var told []string
		b.prober.routes.leftOut = func(family string) { told = append(told, family) }
		b.prober.routes.exists = func(target netip.AddrPort) bool { return target.Addr().Is4() }
		b.serve("192.0.2.1", polite)
		b.resolveTo("192.0.2.1", "2001:db8::1")
		working := b.prober.dial
		b.prober.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if netip.MustParseAddrPort(address).Addr().Is6() {
				return nil, syscall.ENETUNREACH
			}
			return working(ctx, network, address)
		}
		for range 3 {
			r := b.probe()
			b.expect(r, "ok")
			if len(r.Addresses) != 1 || !r.Observed.Has(config.ConditionAddresses) {
				t.Errorf("addresses %+v, observed %b", r.Addresses, r.Observed)
			}
		}
		if len(told) != 1 || told[0] != "IPv6" {
			t.Errorf("told %v", told)
		}
		if got := b.prober.LeftOut(); !slices.Equal(got, told) {
			t.Errorf("left out %v", got)
		}
		b.serve("2001:db8::1", polite)
		b.prober.dial = working // the route has come
		b.expect(b.probe(), "ok")
		if got := b.prober.LeftOut(); len(got) != 0 {
			t.Errorf("left out %v, which works", got)
		}
	})
}

// In virtual time nothing but the pauses of the script takes any.
func TestEveryAnswerSlowButInTime(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const slow = "pause 2s\ntls\npause 4s\nS: * OK ready\nuntil CAPABILITY\npause 3s\nS: $tag OK done\nuntil LOGOUT\npause 1s\nS: $tag OK done"
		for _, test := range []struct {
			limits     config.PhaseTimes
			want, hint string
		}{
			{config.PhaseTimes{}, "ok", ""},
			{config.PhaseTimes{config.PhaseTLS: 2 * time.Second, config.PhaseGreeting: 4 * time.Second, config.WholeConversation: 10 * time.Second}, "ok", ""},
			{config.PhaseTimes{config.WholeConversation: 9 * time.Second}, "degraded greeting/slow latency", "The whole conversation took 10s, more than the 9s"},
			{config.PhaseTimes{config.PhaseTLS: time.Second, config.PhaseGreeting: time.Second}, "degraded greeting/slow latency", "The greeting took 4s"},
			{config.PhaseTimes{config.PhaseTLS: time.Second, config.PhaseGreeting: 3 * time.Second}, "degraded tls/slow latency", "The TLS handshake took 2s"},
		} {
			b.serve("192.0.2.1", slow)
			b.check.Thresholds = test.limits
			r := b.probe()
			b.expect(r, test.want)
			if worst, _ := r.Worst(); !strings.Contains(worst.Hint, test.hint) {
				t.Errorf("the hint %q does not hold %q", worst.Hint, test.hint)
			}
		}
	})
}

func TestAnAnswerThatComesBeforeTheQuestionIsNone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", `tls
raw "* OK ready\r\nV1 OK early\r\nV2 OK early\r\n"
silence`)
		b.expect(b.probe(), "down capability/protocol_error")
		learned := b.prober.tag
		b.prober = New(Options{Resolver: b, Dial: b.dial, Roots: b.certs.Authority.Pool()})
		b.serve("192.0.2.1", `tls
raw "* OK ready\r\n`+learned+`1 OK learned from another monitor\r\n"
silence`)
		b.expect(b.probe(), "down capability/protocol_error")
	})
}

// The second connection of a plaintext port is opened by a goroutine of its own.
func TestAPanicInADiagnosisEndsNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.check.Security = config.Plain
		b.serve("192.0.2.1", "silence")
		working, dialled := b.prober.dial, 0
		b.prober.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialled++; dialled > 1 {
				panic("a mistake")
			}
			return working(ctx, network, address)
		}
		b.expect(b.probe(), "down greeting/timeout")
		if dialled != 2 {
			t.Errorf("%d connections", dialled)
		}
	})
}

func TestAPanicIsThisMachinesFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) { panic("a mistake") }})
		r := p.judged(t.Context(), "check", config.Probe{Hostname: "192.0.2.1", Port: 993, Security: config.TLSFromStart})
		if got := inWords(r, true); got != "unknown connect/local_fault monitor" {
			t.Error(got)
		}
	})
}
