package selfcheck_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
)

// A result of several addresses is judged by those that this machine can judge.
// The words are address, health, phase/cause; then come the findings.
func TestAddressesOfAFaultyFamilyAreWithdrawn(t *testing.T) {
	t.Parallel()
	const (
		lost4 = "192.0.2.1 down connect/timeout"
		lost6 = "2001:db8::1 down connect/unreachable"
	)
	for _, test := range []struct {
		name      string
		broken    string // families
		addresses []string
		findings  []string
		want      []string
		observed  []config.Condition
	}{
		{
			name: "one family, the other is well", broken: "ip6",
			addresses: []string{"192.0.2.1 ok", lost6}, findings: []string{"addresses degraded connect/address_partial"},
			want:     []string{"192.0.2.1 ok", "2001:db8::1 unknown connect/local_fault", "monitor unknown connect/local_fault"},
			observed: []config.Condition{config.ConditionService, config.ConditionCertificate},
		},
		{
			name: "one family, and one address of the other fails", broken: "ip6",
			addresses: []string{"192.0.2.1 ok", "192.0.2.9 down greeting/timeout", lost6},
			findings:  []string{"addresses degraded connect/address_partial"},
			want: []string{
				"192.0.2.1 ok", "192.0.2.9 down greeting/timeout", "2001:db8::1 unknown connect/local_fault",
				"addresses degraded greeting/address_partial 192.0.2.9: 1 of 2 addresses fail: 192.0.2.9 greeting/timeout. said",
				"monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate},
		},
		{
			name: "one family, and all of the other fail", broken: "ip6",
			addresses: []string{"192.0.2.1 down tls/cert_untrusted", lost6}, findings: []string{"service down connect/unreachable"},
			want: []string{
				"192.0.2.1 down tls/cert_untrusted", "2001:db8::1 unknown connect/local_fault",
				"service down tls/cert_untrusted 192.0.2.1: said", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate},
		},
		{
			name: "both families", broken: "ip4 ip6",
			addresses: []string{lost4, lost6}, findings: []string{"service down connect/timeout"},
			want: []string{
				"192.0.2.1 unknown connect/local_fault", "2001:db8::1 unknown connect/local_fault",
				"monitor unknown connect/local_fault",
			},
		},
		{
			name: "both families, and something else is wrong", broken: "ip4 ip6",
			addresses: []string{lost4, lost6, "192.0.2.9 degraded tls/weak_key"},
			findings:  []string{"certificate degraded tls/weak_key", "addresses degraded connect/address_partial"},
			want: []string{
				"192.0.2.1 unknown connect/local_fault", "2001:db8::1 unknown connect/local_fault", "192.0.2.9 degraded tls/weak_key",
				"certificate degraded tls/weak_key", "monitor unknown connect/local_fault", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionCertificate},
		},
		{
			name: "the service fails for a reason of its own", broken: "ip6",
			addresses: []string{"192.0.2.1 down login/backend_unavailable", lost6}, findings: []string{"service down login/backend_unavailable"},
			want: []string{
				"192.0.2.1 down login/backend_unavailable", "2001:db8::1 unknown connect/local_fault",
				"service down login/backend_unavailable", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate},
		},
		{
			name: "refused is an answer", broken: "ip4 ip6",
			addresses: []string{"192.0.2.1 down connect/refused"}, findings: []string{"service down connect/refused"},
			want:     []string{"192.0.2.1 down connect/refused", "service down connect/refused"},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate},
		},
		{
			name: "loopback needs no network", broken: "ip4 ip6",
			addresses: []string{"127.0.0.1 down connect/timeout"}, findings: []string{"service down connect/timeout"},
			want:     []string{"127.0.0.1 down connect/timeout", "service down connect/timeout"},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				self := withTargets(test.broken)
				got := self.Judge(t.Context(), result(test.addresses, test.findings))
				if diff := cmp.Diff(test.want, shown(got)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if want := config.ConditionSet(test.observed...); got.Observed != want {
					t.Errorf("observed %b, want %b", got.Observed, want)
				}
			})
		})
	}
}

// withTargets has self_check targets of both families; those of broken ones do
// not answer.
func withTargets(broken string) *selfcheck.Self {
	self := selfcheck.New(selfcheck.Options{Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
		if strings.Contains(broken, familyOf(netip.MustParseAddrPort(address).Addr())) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, syscall.ECONNREFUSED
	}})
	self.Use([]string{"198.51.100.53:53", "[2001:db8::53]:53"})
	return self
}

func result(addresses, findings []string) incident.Result {
	r := incident.Result{
		Check: "mx1/imaps", Target: "192.0.2.1:993", Started: time.Now(), Ended: time.Now(),
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionCertificate),
	}
	for _, text := range addresses {
		words := strings.Fields(text + " /")
		phase, cause, _ := strings.Cut(words[2], "/")
		r.Addresses = append(r.Addresses, incident.Address{
			IP: netip.MustParseAddr(words[0]), Port: 993, Health: incident.Health(words[1]),
			Phase: config.ParsePhase(phase), Cause: config.Cause(cause), Hint: "said",
		})
	}
	for _, text := range findings {
		words := strings.Fields(text)
		phase, cause, _ := strings.Cut(words[2], "/")
		r.Findings = append(r.Findings, incident.Finding{
			Condition: config.Condition(words[0]), Health: incident.Health(words[1]),
			Phase: config.ParsePhase(phase), Cause: config.Cause(cause),
		})
	}
	return r
}

func shown(r incident.Result) (lines []string) {
	for _, a := range r.Addresses {
		line := a.IP.String() + " " + string(a.Health)
		if a.Health != incident.OK {
			line += " " + a.Phase.String() + "/" + string(a.Cause)
		}
		lines = append(lines, line)
	}
	for _, f := range r.Findings {
		line := string(f.Condition) + " " + string(f.Health) + " " + f.Phase.String() + "/" + string(f.Cause)
		if f.Condition != config.ConditionMonitor && f.Address != "" {
			line += " " + f.Address + ": " + f.Hint
		}
		lines = append(lines, line)
	}
	return lines
}

// A certificate that expires soon is no finding while the clock may be wrong by
// more than a day; the rest of the result stands.
func TestWarningsAreWithdrawnToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		self := selfcheck.New(selfcheck.Options{Clock: w.clock()})
		w.wall = 100 * 24 * time.Hour
		self.Judge(t.Context(), result([]string{"192.0.2.7 ok"}, nil)) // notices the step
		time.Sleep(time.Second)
		r := result([]string{"192.0.2.1 degraded tls/cert_expires_soon"}, []string{"certificate degraded tls/cert_expires_soon"})
		r.Addresses[0].TLS = &incident.TLSInfo{NotBefore: dawn.Add(-time.Hour), NotAfter: w.now().Add(time.Hour)}
		r.Findings[0].Address = "192.0.2.1"
		got := self.Judge(t.Context(), r)
		want := []string{"192.0.2.1 degraded tls/cert_expires_soon", "monitor unknown tls/local_fault"}
		if diff := cmp.Diff(want, shown(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want := config.ConditionSet(config.ConditionService, config.ConditionAddresses); got.Observed != want {
			t.Errorf("observed %b, want %b", got.Observed, want)
		}
	})
}

// A result is a value that others may hold: judging changes nothing in it.
func TestTheGivenResultStaysAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given := result([]string{"192.0.2.1 down connect/timeout"}, []string{"service down connect/timeout"})
		before := shown(given)
		withTargets("ip4").Judge(t.Context(), given)
		selfcheck.New(selfcheck.Options{}).Judge(t.Context(), given)
		if diff := cmp.Diff(before, shown(given)); diff != "" || given.Findings[0].Hint != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
}
