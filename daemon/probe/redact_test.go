package probe

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

func TestRedactor(t *testing.T) {
	r := newRedactor(config.Login{
		Username: "alice", Password: opaque.NewSecret("hunter2"), Token: opaque.NewSecret("tok"), ClientSecret: opaque.NewSecret("tok-en"),
	})
	r.addSent(`"alice@example.org" "hun\"ter2xx"`, "alice@example.org")
	sent := base64.StdEncoding.EncodeToString([]byte("\x00alice\x00hunter2"))
	r.addSent(sent, "alice")
	for text, want := range map[string]string{
		"NO hunter2 is wrong":            "NO *** is wrong",
		"aHVudGVyMg==":                   "***",
		"tok-en tok":                     "*** ***",
		"BAD AUTHENTICATE PLAIN " + sent: "BAD AUTHENTICATE PLAIN ***",
		`no "hun\"ter2xx" here`:          "no *** here",
		"alice@example.org is unknown":   "alice@example.org is unknown",
		"nothing of interest, hunter 2":  "nothing of interest, hunter 2",
	} {
		if got := r.redactText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// Half a secret is a secret: the connection may end in the middle of one.
func TestTheBeginningOfASecretIsSecretToo(t *testing.T) {
	r := newRedactor(config.Login{Password: opaque.NewSecret("hunter2-canary"), Token: opaque.NewSecret("tok")})
	for text, want := range map[string]string{
		"NO hunter2-canar": "NO ***", "NO hunter2-canary": "NO ***", "NO hun": "NO ***", "NO hu": "NO hu", "NO to": "NO to", "NO tok": "NO ***",
		"NO aHVudGVyMi1j": "NO ***", "hunter2": "***", "": "", "NO hunter2 was": "NO hunter2 was",
	} {
		if got := r.cutText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestAPasswordAsItWasQuotedIsSecretToo(t *testing.T) {
	r := newRedactor(config.Login{Password: opaque.NewSecret(`a "b\c`)})
	const said = `BAD T1 LOGIN "alice" "a \"b\\c"`
	if got := r.redactText(said); got != `BAD T1 LOGIN "alice" "***"` {
		t.Errorf("%q becomes %q", said, got)
	}
}

// FuzzEvidence: whatever a server says around a secret, neither the evidence nor
// a transcript holds it, and both are printable.
func FuzzEvidence(f *testing.F) {
	f.Add("V1 NO ", " is wrong", "hunter2")
	f.Add("* BYE \x1b[31m", "\u202e", "pass word")
	f.Fuzz(func(t *testing.T, before, after, secret string) {
		if strings.TrimSpace(secret) == "" || strings.ContainsAny(secret, "\r\n") || strings.Contains(secret, "*") {
			return // no secret
		}
		redact := newRedactor(config.Login{Password: opaque.NewSecret(secret)})
		r := newResponses(strings.NewReader(before+secret+after+"\r\n"), redact)
		for _, said := range readAll(r) {
			words := opaque.Sanitise(said.raw).String()
			if strings.Contains(said.raw, secret) || strings.Contains(said.text, secret) {
				t.Errorf("%q holds %q", said.raw, secret)
			}
			if len(words) > opaque.MaxWords {
				t.Errorf("%d bytes of evidence", len(words))
			}
		}
	})
}

// Servers and gateways repeat what they got in upper case, in a URL or as a dump.
func TestOtherSpellingsOfASecretAreSecretToo(t *testing.T) {
	r := newRedactor(config.Login{Username: "alice", Password: opaque.NewSecret("Hunter 2/ü"), Token: opaque.NewSecret("noTok")})
	for _, said := range []string{
		"HUNTER 2/Ü", "hunter 2/ü", "Hunter+2%2F%C3%BC", "Hunter%202%2F%C3%BC", "48756e74657220322fc3bc", "48756E74657220322FC3BC",
		base64.StdEncoding.EncodeToString([]byte("\x00alice\x00Hunter 2/ü")),
	} {
		if got := r.redactText("NO " + said + " is wrong"); got != "NO *** is wrong" {
			t.Errorf("%q becomes %q", said, got)
		}
	}
	if got, said := r.redactText("NO notok"), "NO notok"; got != said {
		t.Errorf("a short secret in other letter case: %q becomes %q", said, got)
	}
}
