package verdict

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// conversationWith is one that went to its end, or to a failure.
func conversationWith(ip string, failure *incident.Finding, findings ...incident.Finding) Conversation {
	return Conversation{
		Address: incident.Address{IP: netip.MustParseAddr(ip)}, InDNS: true, Failure: failure, Findings: findings,
		Verified: true, Capable: true, Comparable: failure == nil,
	}
}

func (c Conversation) with(change func(*Conversation)) Conversation {
	change(&c)
	return c
}

func down(phase config.Phase, cause config.Cause) *incident.Finding {
	return &incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: phase, Cause: cause, Hint: "Hint."}
}

func atConnect(cause config.Cause) *incident.Finding { return down(config.PhaseConnect, cause) }

// localFault is a fault of this machine, which kept it from trying.
func localFault() *incident.Finding {
	return &incident.Finding{
		Condition: config.ConditionMonitor, Health: incident.Unknown, Phase: config.PhaseConnect, Cause: config.CauseLocalFault, Hint: "Hint.",
	}
}

func early(c *Conversation)    { c.Verified, c.Capable = false, false }
func gone(c *Conversation)     { c.InDNS = false }
func loggedIn(c *Conversation) { c.Login = LoginGood }
func leftOut(c *Conversation)  { c.LeftOut = true }

func TestJudge(t *testing.T) {
	withLogin := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart, Login: config.Login{Username: "alice"}}
	plain := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart}
	weak := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseWeakKey}
	soon := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon}
	critical := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon, Grade: 1}
	noToken := incident.Finding{Condition: config.ConditionAccount, Health: incident.Unknown, Cause: config.CauseTokenUnavailable}
	const all = "service addresses certificate latency capability account"

	for _, test := range []struct {
		name          string
		check         config.Probe
		conversations []Conversation
		observed      string
		findings      string
	}{
		{"all is well", plain, []Conversation{conversationWith("192.0.2.1", nil)}, all, ""},
		{"no login this time", withLogin, []Conversation{conversationWith("192.0.2.1", nil)}, "service addresses certificate latency capability", ""},
		{"logged in", withLogin, []Conversation{conversationWith("192.0.2.1", nil).with(loggedIn), conversationWith("192.0.2.2", nil)}, all, ""},
		{"no TLS to look at", config.Probe{Security: config.Plain}, []Conversation{conversationWith("192.0.2.1", nil).with(early)}, "service addresses certificate latency account", ""},
		{
			"one address fails", plain,
			[]Conversation{conversationWith("192.0.2.1", nil), conversationWith("192.0.2.2", atConnect("refused")).with(early)},
			all, "addresses/address_partial 192.0.2.2",
		},
		{
			"all fail", plain,
			[]Conversation{conversationWith("192.0.2.1", atConnect("timeout")).with(early), conversationWith("192.0.2.2", atConnect("refused")).with(early), conversationWith("192.0.2.3", atConnect("refused")).with(early)},
			"service", "service/refused",
		},
		{
			"it fails late: what came before is known", plain,
			[]Conversation{conversationWith("192.0.2.1", down(config.PhaseLogout, config.CauseBye), weak)},
			"service certificate capability", "service/bye 192.0.2.1, certificate/weak_key 192.0.2.1",
		},
		{
			"the login fails by the service's fault", withLogin,
			[]Conversation{conversationWith("192.0.2.1", down(config.PhaseLogin, config.CauseBackendUnavailable)), conversationWith("192.0.2.2", nil)},
			"service certificate capability", "service/backend_unavailable",
		},
		{"nothing could be tried", plain, []Conversation{conversationWith("192.0.2.1", localFault())}, "", "monitor/local_fault"},
		{
			"one could not be tried", plain,
			[]Conversation{conversationWith("192.0.2.1", nil), conversationWith("192.0.2.2", localFault())},
			"service certificate latency capability account", "",
		},
		{
			"one could not be tried, the other fails", plain,
			[]Conversation{conversationWith("192.0.2.1", atConnect("refused")).with(early), conversationWith("192.0.2.2", localFault())},
			"service", "service/refused 192.0.2.1",
		},
		{
			"a family without a route is as if it were not there", plain,
			[]Conversation{conversationWith("192.0.2.1", nil), conversationWith("2001:db8::1", localFault()).with(leftOut)},
			all, "",
		},
		{"unless it is all there is", plain, []Conversation{conversationWith("2001:db8::1", localFault()).with(leftOut)}, "", "monitor/local_fault"},
		{
			"gone from DNS and failing", plain,
			[]Conversation{conversationWith("192.0.2.1", nil), conversationWith("192.0.2.2", atConnect("refused")).with(gone)},
			all, "addresses/address_partial 192.0.2.2",
		},
		{
			"gone from DNS and well does not save the service", plain,
			[]Conversation{conversationWith("192.0.2.1", atConnect("refused")).with(early), conversationWith("192.0.2.2", nil).with(gone)},
			"service certificate capability", "service/refused 192.0.2.1",
		},
		{
			"the worst of each condition", plain,
			[]Conversation{conversationWith("192.0.2.1", nil, soon), conversationWith("192.0.2.2", nil, critical), conversationWith("192.0.2.3", nil, weak)},
			all, "certificate/cert_expires_soon 192.0.2.2",
		},
		{
			"a token that cannot be had", withLogin,
			[]Conversation{conversationWith("192.0.2.1", nil, noToken)},
			"service addresses certificate latency capability", "account/token_unavailable",
		},
		{
			"the policy any is content",
			config.Probe{Addresses: config.AnyAddress, Security: config.TLSFromStart},
			[]Conversation{conversationWith("192.0.2.1", atConnect("refused")).with(early), conversationWith("192.0.2.2", nil)},
			all, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Judge(&test.check, &Probe{Conversations: test.conversations})
			if got := namesIn(r.Observed); got != test.observed {
				t.Errorf("observed %q, want %q", got, test.observed)
			}
			if got := inShort(r.Findings); got != test.findings {
				t.Errorf("found %q, want %q", got, test.findings)
			}
		})
	}
}

func namesIn(set config.Conditions) string {
	var names []string
	for c := range set.All() {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}

func inShort(findings []incident.Finding) string {
	var parts []string
	for _, f := range findings {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s/%s %s", f.Condition, f.Cause, f.Address)))
	}
	return strings.Join(parts, ", ")
}
