package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

func TestBackoffThatServersAskFor(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds":       299961 * time.Millisecond,
		"NO [LIMIT] Too many requests, try again in 10 minutes.":                      10 * time.Minute,
		"NO Too many login failures; wait 45 s":                                       45 * time.Second,
		"NO [THROTTLED] retry after 30 seconds":                                       30 * time.Second,
		"NO rate limit exceeded for 1 hour":                                           longestBackoff,
		"NO rate limit exceeded, retry after 999999999 hours":                         longestBackoff,
		"NO rate limit exceeded, retry after 99999999999999999999 hours":              0,
		"NO rate limit exceeded, retry after -5 seconds":                              5 * time.Second, // the sign is punctuation
		"NO rate limit exceeded, retry after 0 seconds":                               0,
		"NO Too many connections in the last 10 minutes":                              0,
		"NO Maximum number of connections exceeded (mail_max_userip_connections=10)":  0,
		"NO Invalid login, try again in 10 minutes":                                   0, // nothing that waiting would help
		"NO [AUTHENTICATIONFAILED] too many failed logins, you may retry in 1 minute": time.Minute,
		"NO throttled in": 0, "NO throttled 5": 0, "NO": 0,
	} {
		s := stated(t, "login", text)
		if got := backoffAsked(meaningOf(s), s); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A server that throttles is left alone as long as it says, by all checks of the
// account, and until then nothing is said of the service.
func TestAThrottlingServerIsLeftAlone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice"})
		server := b.serve("192.0.2.1", "tls\nS: * OK ready\nuntil LOGIN *\nS: $tag BAD Request is throttled. Suggested Backoff Time: 300000 milliseconds\nserve\n--- next connection\n"+polite)
		b.expect(b.probe(), "down login/connection_limit service")
		for range 9 {
			r := b.probeAfter(30 * time.Second)
			if r.Observed.Has(config.ConditionService) || r.Observed.Has(config.ConditionAccount) {
				t.Errorf("after %v, without a login: observed %v", time.Since(epoch), r.Observed)
			}
		}
		if n := b.logins("192.0.2.1"); n != 1 {
			t.Errorf("%d logins at %v, want 1", n, server.Addr())
		}
		r := b.probeAfter(31 * time.Second)
		b.expect(r, "ok")
		if !r.Observed.Has(config.ConditionService) || b.logins("192.0.2.1") != 2 {
			t.Errorf("after the wait: observed %v, %d logins", r.Observed, b.logins("192.0.2.1"))
		}
	})
}
