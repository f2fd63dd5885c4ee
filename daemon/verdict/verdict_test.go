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
		Verified: true, Capable: true,
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

var (
	machine = &Mark{Phase: config.PhaseConnect, Cause: config.CauseLocalFault, Hint: "This machine is at fault."}
	dates   = &Mark{Phase: config.PhaseTLS, Cause: config.CauseLocalFault, Hint: "The clock may be wrong.", Dates: true}
)

func marked(c *Conversation)      { c.Unknown = machine }
func datesMarked(c *Conversation) { c.Unknown = dates }

func login(end Login) func(*Conversation) { return func(c *Conversation) { c.Login = end } }

// lookup stands for a name that could not be looked up.
func lookup(cause config.Cause) Conversation {
	return Conversation{Failure: down(config.PhaseDNS, cause)}
}

// What marks take away, and what else is known of logins and of DNS. The words are
// what is observed, the findings, and the addresses with their health.
func TestJudgeMarksAndLogins(t *testing.T) {
	withLogin := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart, Login: config.Login{Username: "alice"}}
	anyAddress := withLogin
	anyAddress.Addresses = config.AnyAddress
	plain := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart}
	weak := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseWeakKey}
	soon := incident.Finding{Condition: config.ConditionCertificate, Health: incident.Degraded, Cause: config.CauseCertExpiresSoon}
	expired := down(config.PhaseTLS, config.CauseCertExpired)
	refusedLogin := down(config.PhaseLogin, config.CauseBackendUnavailable)
	for _, test := range []struct {
		name  string
		check config.Probe
		probe Probe
		want  string
	}{
		{
			"a name that cannot be looked up", plain,
			Probe{Conversations: []Conversation{lookup(config.CauseTimeout)}},
			"service; service/timeout;",
		},
		{
			"a name that this machine may not be able to look up", plain,
			Probe{Conversations: []Conversation{lookup(config.CauseTimeout).with(marked)}},
			"; monitor/local_fault;",
		},
		{
			"a mark on the only failure", plain,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", atConnect(config.CauseTimeout)).with(early).with(marked)}},
			"; monitor/local_fault; 192.0.2.1 unknown",
		},
		{
			"a mark on one failure of two", plain,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseTimeout)).with(early).with(marked),
				conversationWith("192.0.2.2", atConnect(config.CauseRefused)).with(early),
			}},
			"service; service/refused 192.0.2.2, monitor/local_fault; 192.0.2.1 unknown, 192.0.2.2 down",
		},
		{
			"a mark on an address of a service that works", plain,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseTimeout)).with(early).with(marked), conversationWith("192.0.2.2", nil),
			}},
			"service certificate latency capability account; monitor/local_fault; 192.0.2.1 unknown, 192.0.2.2 ok",
		},
		{
			"the same mark twice is told once", plain,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseTimeout)).with(early).with(marked),
				conversationWith("192.0.2.2", atConnect(config.CauseTimeout)).with(early).with(marked), conversationWith("192.0.2.3", nil),
			}},
			"service certificate latency capability account; monitor/local_fault; 192.0.2.1 unknown, 192.0.2.2 unknown, 192.0.2.3 ok",
		},
		{
			"a certificate that has expired by a clock that may be wrong", plain,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", expired).with(early).with(datesMarked)}},
			"; monitor/local_fault; 192.0.2.1 unknown",
		},
		{
			"one that expires soon by such a clock", plain,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", nil, soon).with(datesMarked)}},
			"service addresses latency capability account; monitor/local_fault; 192.0.2.1 degraded",
		},
		{
			"and has a weak key by any", plain,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", nil, soon, weak).with(datesMarked)}},
			"service addresses certificate latency capability account; certificate/weak_key 192.0.2.1, monitor/local_fault; 192.0.2.1 degraded",
		},
		{
			"a connection that is refused at whatever time", plain,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", atConnect(config.CauseRefused)).with(early).with(datesMarked)}},
			"service; service/refused 192.0.2.1, monitor/local_fault; 192.0.2.1 down",
		},
		{
			"a login that was due and not tried", withLogin,
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", nil).with(login(LoginUntried))}},
			"addresses certificate capability; account/login_not_tried; 192.0.2.1 unknown",
		},
		{
			"the same where any address will do, and one does", anyAddress,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", nil).with(login(LoginUntried)), conversationWith("192.0.2.2", nil).with(loggedIn),
			}},
			"service addresses certificate latency capability account; ; 192.0.2.1 unknown, 192.0.2.2 ok",
		},
		{
			"the login fails at one address, and was not tried at the other", anyAddress,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", refusedLogin).with(login(LoginBroken)), conversationWith("192.0.2.2", nil).with(login(LoginUntried)),
			}},
			"addresses certificate capability; account/login_not_tried; 192.0.2.1 down, 192.0.2.2 unknown",
		},
		{
			"and failed there as well, the last time", anyAddress,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", refusedLogin).with(login(LoginBroken)),
				conversationWith("192.0.2.2", nil).with(func(c *Conversation) { c.Login, c.BrokenBefore = LoginUntried, true }),
			}},
			"service certificate capability; service/backend_unavailable; 192.0.2.1 down, 192.0.2.2 unknown",
		},
		{
			"logins fail at several addresses: the commonest reason", anyAddress,
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", down(config.PhaseLogin, config.CauseTimeout)), conversationWith("192.0.2.2", refusedLogin),
				conversationWith("192.0.2.3", refusedLogin), conversationWith("192.0.2.4", down(config.PhaseLogin, config.CauseTimeout)),
				conversationWith("192.0.2.5", refusedLogin), conversationWith("192.0.2.6", down(config.PhaseLogin, config.CauseClosed)),
			}},
			"service certificate capability; service/backend_unavailable; " +
				"192.0.2.1 down, 192.0.2.2 down, 192.0.2.3 down, 192.0.2.4 down, 192.0.2.5 down, 192.0.2.6 down",
		},
		{
			"a first login that has to wait for others of the account", withLogin,
			Probe{Logins: Logins{NeverTried: true}, Conversations: []Conversation{conversationWith("192.0.2.1", nil).with(login(LoginPaused))}},
			"addresses certificate latency capability; account/login_not_tried; 192.0.2.1 ok",
		},
		{
			"a later one that has to wait", withLogin,
			Probe{Logins: Logins{Paused: true}, Conversations: []Conversation{conversationWith("192.0.2.1", nil)}},
			"service addresses certificate latency capability; ; 192.0.2.1 ok",
		},
		{
			"the service failed at the last login elsewhere", withLogin,
			Probe{Logins: Logins{BrokenElsewhere: true}, Conversations: []Conversation{conversationWith("192.0.2.1", nil).with(loggedIn)}},
			"addresses certificate latency capability account; ; 192.0.2.1 ok",
		},
		{
			"the account was in trouble at the last login elsewhere", withLogin,
			Probe{Logins: Logins{BadElsewhere: true}, Conversations: []Conversation{conversationWith("192.0.2.1", nil).with(loggedIn)}},
			"service addresses certificate latency capability; ; 192.0.2.1 ok",
		},
		{"no conversation at all", plain, Probe{}, "; monitor/local_fault;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Judge(&test.check, &test.probe)
			var addresses []string
			for _, a := range r.Addresses {
				addresses = append(addresses, a.IP.String()+" "+string(a.Health))
			}
			got := strings.TrimSpace(namesIn(r.Observed) + "; " + inShort(r.Findings) + "; " + strings.Join(addresses, ", "))
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// The words that people read are made in one place.
func TestHints(t *testing.T) {
	plain := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart}
	doubtful := func(d Doubt) func(*Conversation) { return func(c *Conversation) { c.Doubt = d } }
	for _, test := range []struct {
		name  string
		probe Probe
		want  string
	}{
		{"one address", Probe{Conversations: []Conversation{conversationWith("192.0.2.1", atConnect(config.CauseTimeout))}}, "Hint."},
		{
			"all addresses",
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseTimeout)), conversationWith("192.0.2.2", atConnect(config.CauseRefused)),
			}},
			"Hint. All 2 addresses fail: 192.0.2.1 connect/timeout, 192.0.2.2 connect/refused.",
		},
		{
			"all that could be judged",
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseRefused)), conversationWith("192.0.2.2", atConnect(config.CauseRefused)),
				conversationWith("2001:db8::1", localFault()),
			}},
			"Hint. All 2 addresses that could be checked fail: 192.0.2.1 connect/refused, 192.0.2.2 connect/refused.",
		},
		{
			"many addresses, some of which work",
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", atConnect(config.CauseTimeout)), conversationWith("192.0.2.2", atConnect(config.CauseRefused)),
				conversationWith("192.0.2.3", atConnect(config.CauseRefused)), conversationWith("192.0.2.4", atConnect(config.CauseRefused)),
				conversationWith("192.0.2.5", atConnect(config.CauseRefused)), conversationWith("192.0.2.6", nil),
			}},
			"5 of 6 addresses fail: 192.0.2.1 connect/timeout, 192.0.2.2 connect/refused, 192.0.2.3 connect/refused, 192.0.2.4 connect/refused, 1 more. Hint.",
		},
		{
			"Nothing else was reachable",
			Probe{Conversations: []Conversation{conversationWith("192.0.2.1", atConnect(config.CauseTimeout)).with(doubtful(NothingElse))}},
			"Hint. Nothing else was reachable for comparison, so this machine itself may be the cause; a self_check target would show that.",
		},
		{
			"a doubt about another failure than the one that is named",
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", down(config.PhaseGreeting, config.CauseClosed)),
				conversationWith("192.0.2.2", atConnect(config.CauseTimeout)).with(doubtful(NothingElse)),
			}},
			"Hint. All 2 addresses fail: 192.0.2.1 greeting/closed, 192.0.2.2 connect/timeout.",
		},
		{
			"the clock",
			Probe{Conversations: []Conversation{
				conversationWith("192.0.2.1", down(config.PhaseTLS, config.CauseCertNotYetValid)).with(doubtful(UncertainOfTime)),
			}},
			"Hint. The clock of this machine may be wrong.",
		},
		{
			"a record that DNS does not answer for",
			Probe{
				SilentRecord: "AAAA", Conversations: []Conversation{conversationWith("192.0.2.1", atConnect(config.CauseTimeout))},
			},
			"Hint. Its IPv6 addresses, if it has any, were not tried: DNS does not answer for the AAAA record.",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if f, _ := Judge(&plain, &test.probe).Worst(); f.Hint != test.want {
				t.Errorf("got  %q\nwant %q", f.Hint, test.want)
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
