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
	"github.com/imapvigil/imapvigil/daemon/verdict"
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
		name          string
		broken        string // families
		conversations []string
		want          []string
		observed      []config.Condition
	}{
		{
			name: "one family, the other is well", broken: "ip6",
			conversations: []string{"192.0.2.1 ok", lost6},
			want:          []string{"192.0.2.1 ok", "2001:db8::1 unknown connect/local_fault", "monitor unknown connect/local_fault"},
			observed:      []config.Condition{config.ConditionService, config.ConditionCertificate, config.ConditionLatency, config.ConditionAccount},
		},
		{
			name: "one family, and one address of the other fails", broken: "ip6",
			conversations: []string{"192.0.2.1 ok", "192.0.2.9 down greeting/timeout", lost6},
			want: []string{
				"192.0.2.1 ok", "192.0.2.9 down greeting/timeout", "2001:db8::1 unknown connect/local_fault",
				"addresses degraded greeting/address_partial 192.0.2.9: 1 of 2 addresses fail: 192.0.2.9 greeting/timeout. said",
				"monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate, config.ConditionLatency, config.ConditionAccount},
		},
		{
			name: "one family, and all of the other fail", broken: "ip6",
			conversations: []string{"192.0.2.1 down tls/cert_untrusted", lost6},
			want: []string{
				"192.0.2.1 down tls/cert_untrusted", "2001:db8::1 unknown connect/local_fault",
				"service down tls/cert_untrusted 192.0.2.1: said", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService},
		},
		{
			name: "one family, and all of the other fail: the commonest failure is named", broken: "ip6",
			conversations: []string{"192.0.2.1 down connect/refused", "192.0.2.2 down greeting/closed", "192.0.2.3 down greeting/closed", lost6},
			want: []string{
				"192.0.2.1 down connect/refused", "192.0.2.2 down greeting/closed", "192.0.2.3 down greeting/closed",
				"2001:db8::1 unknown connect/local_fault",
				"service down greeting/closed", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService},
		},
		{
			name: "one family, and two of the other fail: the commonest failure is named", broken: "ip6",
			conversations: []string{"192.0.2.1 ok", "192.0.2.2 down connect/refused", "192.0.2.3 down greeting/closed", "192.0.2.4 down greeting/closed", lost6},
			want: []string{
				"192.0.2.1 ok", "192.0.2.2 down connect/refused", "192.0.2.3 down greeting/closed", "192.0.2.4 down greeting/closed",
				"2001:db8::1 unknown connect/local_fault",
				"addresses degraded greeting/address_partial 192.0.2.3: 3 of 4 addresses fail: " +
					"192.0.2.2 connect/refused, 192.0.2.3 greeting/closed, 192.0.2.4 greeting/closed. said",
				"monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionCertificate, config.ConditionLatency, config.ConditionAccount},
		},
		{
			name: "both families", broken: "ip4 ip6",
			conversations: []string{lost4, lost6},
			want: []string{
				"192.0.2.1 unknown connect/local_fault", "2001:db8::1 unknown connect/local_fault",
				"monitor unknown connect/local_fault",
			},
		},
		{
			name: "both families, and something else is wrong", broken: "ip4 ip6",
			conversations: []string{lost4, lost6, "192.0.2.9 degraded tls/weak_key"},
			want: []string{
				"192.0.2.1 unknown connect/local_fault", "2001:db8::1 unknown connect/local_fault", "192.0.2.9 degraded tls/weak_key",
				"certificate degraded tls/weak_key 192.0.2.9: said", "monitor unknown connect/local_fault", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionCertificate, config.ConditionLatency, config.ConditionAccount},
		},
		{
			name: "the service fails for a reason of its own", broken: "ip6",
			conversations: []string{"192.0.2.1 down login/backend_unavailable", lost6},
			want: []string{
				"192.0.2.1 down login/backend_unavailable", "2001:db8::1 unknown connect/local_fault",
				"service down login/backend_unavailable", "monitor unknown connect/local_fault",
			},
			observed: []config.Condition{config.ConditionService, config.ConditionCertificate},
		},
		{
			name: "refused is an answer", broken: "ip4 ip6",
			conversations: []string{"192.0.2.1 down connect/refused"},
			want:          []string{"192.0.2.1 down connect/refused", "service down connect/refused 192.0.2.1: said"},
			observed:      []config.Condition{config.ConditionService},
		},
		{
			name: "loopback needs no network", broken: "ip4 ip6",
			conversations: []string{"127.0.0.1 down connect/timeout"},
			want:          []string{"127.0.0.1 down connect/timeout", "service down connect/timeout 127.0.0.1: said"},
			observed:      []config.Condition{config.ConditionService},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				self := withTargets(test.broken)
				got := judge(t.Context(), self, probed(test.conversations...))
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

// plainCheck is a check of all addresses without a login.
var plainCheck = &config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart}

// judge has a probe marked, and then judged.
func judge(ctx context.Context, self *selfcheck.Self, p verdict.Probe) incident.Result {
	p = self.Mark(ctx, plainCheck, p)
	return verdict.Judge(plainCheck, &p)
}

// probed is a probe of now with these conversations: the address, its health, and
// phase/cause of what is wrong. "-" in place of the address is a name that could not
// be looked up.
func probed(conversations ...string) verdict.Probe {
	p := verdict.Probe{Check: "mx1/imaps", Target: "192.0.2.1:993", Started: time.Now(), Ended: time.Now()}
	for _, text := range conversations {
		p.Conversations = append(p.Conversations, conversation(text))
	}
	return p
}

func conversation(text string) verdict.Conversation {
	words := strings.Fields(text + " /")
	phase, cause, _ := strings.Cut(words[2], "/")
	c := verdict.Conversation{InDNS: true, Address: incident.Address{Port: 993}}
	if words[0] != "-" {
		c.Address.IP = netip.MustParseAddr(words[0])
	}
	f := incident.Finding{
		Condition: config.ConditionService, Health: incident.Health(words[1]), Phase: config.ParsePhase(phase), Cause: config.Cause(cause), Hint: "said",
	}
	switch f.Health {
	case incident.OK:
		c.Verified = true
	case incident.Degraded:
		c.Verified, f.Condition = true, config.ConditionCertificate
		c.Findings = []incident.Finding{f}
	case incident.Unknown:
		f.Condition = config.ConditionMonitor
		fallthrough
	case incident.Down:
		c.Failure, c.Verified = &f, f.Phase == config.PhaseLogin
	}
	return c
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
		w := newFakeNetwork()
		self := selfcheck.New(selfcheck.Options{Clock: w.clock()})
		w.wall = 100 * 24 * time.Hour
		judge(t.Context(), self, probed("192.0.2.7 ok")) // notices the step
		time.Sleep(time.Second)
		p := probed("192.0.2.1 degraded tls/cert_expires_soon")
		p.Conversations[0].Address.TLS = &incident.TLSInfo{NotBefore: dawn.Add(-time.Hour), NotAfter: w.now().Add(time.Hour)}
		got := judge(t.Context(), self, p)
		want := []string{"192.0.2.1 degraded tls/cert_expires_soon", "monitor unknown tls/local_fault"}
		if diff := cmp.Diff(want, shown(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want := config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionLatency, config.ConditionAccount); got.Observed != want {
			t.Errorf("observed %b, want %b", got.Observed, want)
		}
	})
}

// A probe is a value that others may hold: marking changes nothing in it.
func TestTheGivenProbeStaysAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given := probed("192.0.2.1 down connect/timeout")
		withTargets("ip4").Mark(t.Context(), plainCheck, given)
		selfcheck.New(selfcheck.Options{}).Mark(t.Context(), plainCheck, given)
		if c := given.Conversations[0]; c.Unknown != nil || c.Doubt != verdict.NoDoubt {
			t.Errorf("it is marked: %+v", c)
		}
	})
}
