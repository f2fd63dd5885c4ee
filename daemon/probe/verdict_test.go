package probe

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A conversation that came to something, for the judge.
func came(ip string, f *failure, findings ...incident.Finding) outcome {
	return outcome{
		goal: goal{inDNS: true}, address: incident.Address{IP: netip.MustParseAddr(ip)}, failure: f, findings: findings,
		verified: true, capable: true, paced: f == nil,
	}
}

func (o outcome) with(change func(*outcome)) outcome {
	change(&o)
	return o
}

func atConnect(cause incident.Cause) *failure { return down(incident.PhaseConnect, cause, "Hint.") }

func early(o *outcome)    { o.verified, o.capable = false, false }
func gone(o *outcome)     { o.goal.inDNS = false }
func loggedIn(o *outcome) { o.login = loginGood }
func leftOut(o *outcome)  { o.leftOut = true }

func TestJudge(t *testing.T) {
	withLogin := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart, Login: config.Login{Username: "alice"}}
	plain := config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart}
	weak := incident.Finding{Condition: incident.Certificate, Health: incident.Degraded, Cause: incident.CauseWeakKey}
	soon := incident.Finding{Condition: incident.Certificate, Health: incident.Degraded, Cause: incident.CauseCertExpiresSoon}
	critical := incident.Finding{Condition: incident.Certificate, Health: incident.Degraded, Cause: incident.CauseCertExpiresSoon, Grade: 1}
	noToken := incident.Finding{Condition: incident.Account, Health: incident.Unknown, Cause: incident.CauseTokenUnavailable}
	const all = "service addresses certificate latency capability account"

	for _, test := range []struct {
		name     string
		check    config.Probe
		outcomes []outcome
		observed string
		findings string
	}{
		{"all is well", plain, []outcome{came("192.0.2.1", nil)}, all, ""},
		{"no login this time", withLogin, []outcome{came("192.0.2.1", nil)}, "service addresses certificate latency capability", ""},
		{"logged in", withLogin, []outcome{came("192.0.2.1", nil).with(loggedIn), came("192.0.2.2", nil)}, all, ""},
		{"no TLS to look at", config.Probe{Security: config.Plain}, []outcome{came("192.0.2.1", nil).with(early)}, "service addresses certificate latency account", ""},
		{
			"one address fails", plain,
			[]outcome{came("192.0.2.1", nil), came("192.0.2.2", atConnect("refused")).with(early)},
			all, "addresses/address_partial 192.0.2.2",
		},
		{
			"all fail", plain,
			[]outcome{came("192.0.2.1", atConnect("timeout")).with(early), came("192.0.2.2", atConnect("refused")).with(early), came("192.0.2.3", atConnect("refused")).with(early)},
			"service", "service/refused",
		},
		{
			"it fails late: what came before is known", plain,
			[]outcome{came("192.0.2.1", down(incident.PhaseLogout, incident.CauseBye, "Hint."), weak)},
			"service certificate capability", "service/bye 192.0.2.1, certificate/weak_key 192.0.2.1",
		},
		{
			"the login fails by the service's fault", withLogin,
			[]outcome{came("192.0.2.1", down(incident.PhaseLogin, incident.CauseBackendUnavailable, "Hint.")), came("192.0.2.2", nil)},
			"service certificate capability", "service/backend_unavailable",
		},
		{"nothing could be tried", plain, []outcome{came("192.0.2.1", local(incident.PhaseConnect, "Hint."))}, "", "monitor/local_fault"},
		{
			"one could not be tried", plain,
			[]outcome{came("192.0.2.1", nil), came("192.0.2.2", local(incident.PhaseConnect, "Hint."))},
			"service certificate latency capability account", "",
		},
		{
			"one could not be tried, the other fails", plain,
			[]outcome{came("192.0.2.1", atConnect("refused")).with(early), came("192.0.2.2", local(incident.PhaseConnect, "Hint."))},
			"service", "service/refused 192.0.2.1",
		},
		{
			"a family without a route is as if it were not there", plain,
			[]outcome{came("192.0.2.1", nil), came("2001:db8::1", local(incident.PhaseConnect, "Hint.")).with(leftOut)},
			all, "",
		},
		{"unless it is all there is", plain, []outcome{came("2001:db8::1", local(incident.PhaseConnect, "Hint.")).with(leftOut)}, "", "monitor/local_fault"},
		{
			"gone from DNS and failing", plain,
			[]outcome{came("192.0.2.1", nil), came("192.0.2.2", atConnect("refused")).with(gone)},
			all, "addresses/address_partial 192.0.2.2",
		},
		{
			"gone from DNS and well does not save the service", plain,
			[]outcome{came("192.0.2.1", atConnect("refused")).with(early), came("192.0.2.2", nil).with(gone)},
			"service certificate capability", "service/refused 192.0.2.1",
		},
		{
			"the worst of each condition", plain,
			[]outcome{came("192.0.2.1", nil, soon), came("192.0.2.2", nil, critical), came("192.0.2.3", nil, weak)},
			all, "certificate/cert_expires_soon 192.0.2.2",
		},
		{
			"a token that cannot be had", withLogin,
			[]outcome{came("192.0.2.1", nil, noToken)},
			"service addresses certificate latency capability", "account/token_unavailable",
		},
		{
			"the policy any is content",
			config.Probe{Addresses: config.AnyAddress, Security: config.TLSFromStart},
			[]outcome{came("192.0.2.1", atConnect("refused")).with(early), came("192.0.2.2", nil)},
			all, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &round{check: test.check}
			observed, findings := r.judge(test.outcomes)
			if got := namesIn(observed); got != test.observed {
				t.Errorf("observed %q, want %q", got, test.observed)
			}
			if got := inShort(findings); got != test.findings {
				t.Errorf("found %q, want %q", got, test.findings)
			}
		})
	}
}

func namesIn(set incident.Conditions) string {
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

// A threshold on a phase that a probe did not come to cannot be judged.
func TestThresholds(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	login := config.Login{Username: "alice"}
	mailbox := config.Login{Username: "alice", Mailbox: "INBOX"}
	for _, test := range []struct {
		name   string
		login  config.Login
		limits config.Thresholds
		took   incident.Timings
		late   time.Duration
		paced  bool
		want   string
	}{
		{"none", login, config.Thresholds{}, incident.Timings{Greeting: ms(900)}, 0, true, ""},
		{"within", login, config.Thresholds{Greeting: ms(100)}, incident.Timings{Greeting: ms(100)}, 0, true, ""},
		{"over", login, config.Thresholds{Greeting: ms(100)}, incident.Timings{Greeting: ms(101)}, 0, true, "greeting"},
		{"the worst of two", login, config.Thresholds{DNS: ms(10), TLS: ms(100)}, incident.Timings{DNS: ms(50), TLS: ms(200)}, 0, true, "dns"},
		{"total names the longest phase", login, config.Thresholds{Total: ms(100)}, incident.Timings{DNS: ms(20), TLS: ms(90), Total: ms(120)}, 0, true, "tls"},
		{"no login in this probe", login, config.Thresholds{Login: ms(100)}, incident.Timings{}, 0, false, ""},
		{"no login at all", config.Login{}, config.Thresholds{Login: ms(100)}, incident.Timings{}, 0, true, ""},
		{"no mailbox at all", login, config.Thresholds{Select: ms(100)}, incident.Timings{Login: ms(5)}, 0, true, ""},
		{"slow before the login that was not due", mailbox, config.Thresholds{TLS: ms(100), Select: ms(5)}, incident.Timings{TLS: ms(900)}, 0, true, "tls"},
		{"over, as it may be because the monitor was late", login, config.Thresholds{TLS: ms(100)}, incident.Timings{TLS: ms(180)}, ms(80), false, ""},
		{"over, however late the monitor was", login, config.Thresholds{TLS: ms(100)}, incident.Timings{TLS: ms(181)}, ms(80), true, "tls"},
		{"one over because of the monitor, one by itself", login, config.Thresholds{DNS: ms(10), TLS: ms(100)}, incident.Timings{DNS: ms(50), TLS: ms(200)}, ms(60), true, "tls"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &conversation{round: &round{check: config.Probe{Login: test.login, Thresholds: test.limits}}}
			c.outcome.address.Timings = test.took
			c.compareThresholds(test.late)
			got := ""
			if len(c.outcome.findings) > 0 {
				got = string(c.outcome.findings[0].Phase)
			}
			if got != test.want || c.outcome.paced != test.paced {
				t.Errorf("slow in %q, judged %v; want %q, %v", got, c.outcome.paced, test.want, test.paced)
			}
		})
	}
}

func TestWhatIsSlowIsSaidWithEnoughDigits(t *testing.T) {
	for _, test := range []struct{ took, limit, said string }{
		{"1.234567s", "1s", "1.235s"},
		{"1.234567ms", "1ms", "1.2ms"},
		{"1.000049ms", "1ms", "1.00005ms"},
		{"1.4s", "300ms", "1.4s"},
		{"1.000001ms", "1ms", "1.000001ms"},
		{"87.3µs", "50µs", "87µs"},
	} {
		c := &conversation{round: &round{check: config.Probe{Thresholds: config.Thresholds{Total: duration(t, test.limit)}}}}
		c.outcome.address.Timings.Total = duration(t, test.took)
		c.compareThresholds(0)
		want := "The whole conversation took " + test.said + ", more than the " + test.limit + " that the thresholds allow."
		if got := c.outcome.findings[0].Hint; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
