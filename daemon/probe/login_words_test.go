package probe

import (
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A login that worked and is refused without a reason says since when, as long as
// nothing was changed here.
func TestRefusedLoginThatWorkedBefore(t *testing.T) {
	const since = "It was accepted until 2000-01-01 00:10 UTC and has been refused since 2000-01-01 00:20 UTC, and nothing changed here: check the user directory behind"
	refuses := func(words string) string {
		return "tls\nS: * OK ready\nuntil LOGIN *\nS: $tag NO " + words + "\nserve"
	}
	for name, test := range map[string]struct {
		words  string
		change func(*config.Probe)
		said   bool
	}{
		"no word":             {"", nil, true},
		"no reason":           {"Login failed.", nil, true},
		"an unknown code":     {"[X-NEW] Something else", nil, true},
		"another interval":    {"", func(c *config.Probe) { c.Interval = 2 * time.Minute }, false},
		"another password":    {"", func(c *config.Probe) { c.Login.Password = opaque.NewSecret("other") }, false},
		"another port":        {"", func(c *config.Probe) { c.Port = 1993 }, false},
		"another server name": {"", func(c *config.Probe) { c.TLS.MinVersion = 0x0304 }, false},
		"a code that says it": {"[AUTHENTICATIONFAILED] no", nil, false},
		"expired":             {"[EXPIRED] no", nil, false},
		"held against us":     {"Too many failed logins", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.serve("192.0.2.1", polite)
				b.login(config.Login{Username: "alice"})
				b.expect(b.probe(), "ok")
				b.expect(b.probeAfter(10*time.Minute), "ok")
				b.serve("192.0.2.1", refuses(test.words))
				if test.change != nil {
					test.change(&b.check)
				}
				for i := range 2 {
					r := b.probeAfter(10 * time.Minute)
					worst, _ := r.Worst()
					if worst.Condition != config.ConditionAccount || strings.Contains(worst.Hint, since) != test.said {
						t.Errorf("probe %d: %s: %s", i, inWords(r, true), worst.Hint)
					}
				}
			})
		})
	}
}

// What was never seen to work is not said to have worked.
func TestRefusedLoginThatNeverWorked(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "tls\nS: * OK ready\nuntil LOGIN *\nS: $tag NO no\nserve")
		b.serve("192.0.2.2", polite) // where it works is another machine
		b.login(config.Login{Username: "alice"})
		for range 4 {
			r := b.probeAfter(time.Minute)
			if worst, _ := r.Worst(); strings.Contains(worst.Hint, "worked") {
				t.Error(worst.Hint)
			}
		}
	})
}
