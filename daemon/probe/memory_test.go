package probe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func TestFailingAddressIsProbedOnUntilItIsWell(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.serve("192.0.2.2", polite)
		b.kill("192.0.2.2")
		b.expect(b.probe(), "degraded connect/address_partial addresses")
		b.resolveTo("192.0.2.1") // somebody took it out of DNS
		r := b.probeAfter(time.Minute)
		b.expect(r, "degraded connect/address_partial addresses")
		if len(r.Addresses) != 2 {
			t.Errorf("%d addresses probed, want the withdrawn one as well", len(r.Addresses))
		}
		b.serve("192.0.2.2", polite)
		b.resolveTo("192.0.2.1")
		b.expect(b.probeAfter(time.Minute), "ok")
		if r := b.probeAfter(time.Minute); len(r.Addresses) != 1 || hasNote(r, "withdrawn") {
			t.Errorf("once it was well: %d addresses, notes %v", len(r.Addresses), r.Notes)
		}
	})
}

func TestFailingAddressIsGivenUpTenMinutesAfterDNSDid(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.resolveTo("192.0.2.1", "192.0.2.2")
		b.expect(b.probe(), "degraded connect/address_partial")
		b.expect(b.probeAfter(time.Hour), "degraded connect/address_partial")
		b.resolveTo("192.0.2.1")
		for range 9 {
			b.expect(b.probeAfter(time.Minute), "degraded connect/address_partial")
		}
		r := b.probeAfter(time.Minute)
		b.expect(r, "ok")
		if !hasNote(r, "withdrawn") || !r.Observed.Has(config.ConditionAddresses) {
			t.Errorf("notes %v, observed %b", r.Notes, r.Observed)
		}
	})
}

// An address that DNS no longer has cannot keep the service up.
func TestWithdrawnAddressDoesNotSpeakForTheService(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.serve("192.0.2.2", polite)
		b.kill("192.0.2.2")
		b.probe()
		b.resolveTo("192.0.2.1")
		b.kill("192.0.2.1")
		b.servers["192.0.2.2"] = b.serve("192.0.2.2", polite)
		b.resolveTo("192.0.2.1")
		b.expect(b.probeAfter(time.Minute), "down connect/refused service")
	})
}

func TestLoginGoesAroundAmongTheAddresses(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			b.serve(ip, polite)
		}
		b.login(config.Login{Username: "alice"})
		for range 6 {
			b.expect(b.probeAfter(time.Minute), "ok")
		}
		for ip := range b.servers {
			if n := b.logins(ip); n != 2 {
				t.Errorf("%d logins at %s, want 2 of 6", n, ip)
			}
		}
		b.kill("192.0.2.2")
		b.probeAfter(time.Minute) // it may be its turn now; from then on it is passed over
		before := b.logins("192.0.2.1") + b.logins("192.0.2.3")
		for range 4 {
			b.probeAfter(time.Minute)
		}
		if n := b.logins("192.0.2.1") + b.logins("192.0.2.3") - before; n != 4 {
			t.Errorf("%d logins in 4 probes with one address dead", n)
		}
	})
}

func TestLoginEvery(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.login(config.Login{Username: "alice", Every: time.Hour})
		observed := 0
		for range 120 {
			if b.probeAfter(time.Minute).Observed.Has(config.ConditionAccount) {
				observed++
			}
		}
		// The second login confirms the first; then one an hour.
		if n := b.logins("192.0.2.1"); n != observed || n < 3 || n > 4 {
			t.Errorf("%d logins in two hours, the account observed %d times", n, observed)
		}
	})
}

// Bad news is confirmed at once, and so is the good news after it.
func TestLoginEveryConfirmsAChange(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.login(config.Login{Username: "alice", Every: 6 * time.Hour})
		b.probe()
		b.probeAfter(time.Minute)
		b.serve("192.0.2.1", "tls\nS: * OK ready\nuntil LOGIN *\nS: $tag OK done\nC: EXAMINE *\nS: $tag NO [NONEXISTENT] no\nserve")
		b.check.Login.Mailbox = "Archive" // a changed login begins anew
		for range 3 {
			b.expect(b.probeAfter(time.Minute), "degraded select/mailbox_missing")
			if b.logins("192.0.2.1") == 2 {
				break
			}
		}
		if r := b.probeAfter(time.Minute); r.Observed.Has(config.ConditionAccount) {
			t.Error("a confirmed failure is looked at again before its time")
		}
	})
}

func TestRejectedLoginSlowsDown(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", rejects)
		b.login(config.Login{Username: "alice"})
		var at []int
		for minute := range 240 {
			before := b.logins("192.0.2.1")
			r := b.probe()
			if b.logins("192.0.2.1") > before {
				at = append(at, minute)
				b.expect(r, "degraded login/credentials_rejected account")
			} else if r.Health() != incident.OK || r.Observed.Has(config.ConditionAccount) {
				t.Fatalf("minute %d: %v, observed %b", minute, r.Findings, r.Observed)
			}
			time.Sleep(time.Minute)
		}
		if want := []int{0, 1, 6, 21, 51, 111, 171, 231}; !slices.Equal(at, want) {
			t.Errorf("logins in minutes %v, want %v", at, want)
		}
	})
}

func TestSlowDownEnds(t *testing.T) {
	for name, end := range map[string]func(*bubble){
		"on recheck":            func(b *bubble) { b.prober.RetryLogin("check") },
		"with a new password":   func(b *bubble) { b.check.Login.Password = opaque.NewSecret("another") },
		"with a new mechanism":  func(b *bubble) { b.check.Login.Mechanism = "LOGIN" },
		"but not by a reload":   func(b *bubble) { b.check.Interval = 2 * time.Minute },
		"but not for no reason": func(*bubble) {},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.serve("192.0.2.1", rejects)
				b.login(config.Login{Username: "alice"})
				b.probe()
				b.probeAfter(time.Minute)
				end(b)
				b.probeAfter(time.Minute)
				want := 3
				if strings.HasPrefix(name, "but") {
					want = 2
				}
				if n := b.logins("192.0.2.1"); n != want {
					t.Errorf("%d logins, want %d", n, want)
				}
			})
		})
	}
}

func TestBlackHoleAfterRejectionsMayBeABan(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", rejects)
		b.login(config.Login{Username: "alice"})
		b.probe()
		b.prober.dial = dialTimeout
		r := b.probeAfter(time.Minute)
		b.expect(r, "down connect/timeout")
		if hint := r.Findings[0].Hint; !strings.Contains(hint, "perhaps this machine is banned") {
			t.Error(hint)
		}
	})
}

// fail2ban rejects rather than drops, unless it is told otherwise.
func TestRefusalAfterRejectionsMayBeABan(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", rejects)
		b.login(config.Login{Username: "alice"})
		b.probe()
		b.kill("192.0.2.1")
		r := b.probeAfter(time.Minute)
		b.expect(r, "down connect/refused")
		if hint := r.Findings[0].Hint; !strings.Contains(hint, "perhaps this machine is banned") {
			t.Error(hint)
		}
	})
}

func TestCertificateChangedIsNotedOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		first := b.probe()
		b.serve("192.0.2.1", "tls intermediate\nS: * OK ready\nserve")
		second, third := b.probeAfter(time.Minute), b.probeAfter(time.Minute)
		for i, r := range []incident.Result{first, second, third} {
			b.expect(r, "ok")
			if got, want := hasNote(r, "cert_changed"), i == 1; got != want {
				t.Errorf("probe %d: noted %v", i+1, got)
			}
		}
		text := second.Notes[0].Text
		if !strings.Contains(text, first.Addresses[0].TLS.SHA256) || !strings.Contains(text, second.Addresses[0].TLS.SHA256) {
			t.Errorf("%q does not name both fingerprints", text)
		}
	})
}

func TestDifferentCertificatesAreNotedOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.serve("192.0.2.2", "tls intermediate\nS: * OK ready\nserve")
		for i := range 3 {
			r := b.probeAfter(time.Minute)
			b.expect(r, "ok")
			if got, want := hasNote(r, "certs_differ"), i == 0; got != want {
				t.Errorf("probe %d: noted %v", i+1, got)
			}
		}
	})
}

func TestAlertIsNewsOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for i, text := range []string{"a", "a", "b", "b", "a"} {
			b.serve("192.0.2.1", "tls\nS: * OK [ALERT] "+text+"\nserve")
			if got, want := hasNote(b.probeAfter(time.Minute), "alert"), i != 1 && i != 3; got != want {
				t.Errorf("probe %d: noted %v", i+1, got)
			}
		}
	})
}

func TestMemoryForgetsWhatIsProbedNoLonger(t *testing.T) {
	var m memory
	now := time.Now()
	for _, id := range []config.CheckID{"a", "b", "c"} {
		m.pastOf(id, config.Probe{Hostname: "mx1"}, now)
	}
	m.pastOf("a", config.Probe{Hostname: "mx1"}, now.Add(forgottenAfter))
	m.pastOf("a", config.Probe{Hostname: "mx1"}, now.Add(forgottenAfter+2*time.Hour))
	if len(m.checks) != 1 {
		t.Errorf("%d checks remembered", len(m.checks))
	}
}
