package email_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/email"
)

func TestPlace(t *testing.T) {
	for target, want := range map[string]string{
		"a@example.net":                                 "a@example.net",
		"b@example.net, a@example.net":                  "a@example.net, b@example.net",
		"IT <a@EXAMPLE.net>, b@example.net":             "a@example.net, b@example.net",
		"<a@example.net>, A@example.net":                "a@example.net",
		"b@example.net cc d@example.net, c@example.net": "b@example.net cc c@example.net, d@example.net",
		"Ops cc Boss <a@example.net>":                   "Ops cc Boss <a@example.net>",
		`"a, b"@example.net, A@example.net`:             `"a, b"@example.net, A@example.net`,
	} {
		if got := email.Kind.Traits().PlaceOf(target); got != want {
			t.Errorf("%q: got %q, want %q", target, got, want)
		}
	}
}
