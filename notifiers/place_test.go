package notifiers_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/notifiers"
)

func TestPlace(t *testing.T) {
	for _, test := range []struct {
		kind         notifiers.Kind
		target, want string
	}{
		{notifiers.Email, "a@example.net", "a@example.net"},
		{notifiers.Email, "b@example.net, a@example.net", "a@example.net, b@example.net"},
		{notifiers.Email, "IT <a@EXAMPLE.net>, b@example.net", "a@example.net, b@example.net"},
		{notifiers.Email, "<a@example.net>, A@example.net", "a@example.net"},
		{notifiers.Email, "b@example.net cc d@example.net, c@example.net", "b@example.net cc c@example.net, d@example.net"},
		{notifiers.Email, "Ops cc Boss <a@example.net>", "Ops cc Boss <a@example.net>"},
		{notifiers.Email, `"a, b"@example.net, A@example.net`, `"a, b"@example.net, A@example.net`},
		{notifiers.Slack, "#Ops @here", "#Ops @here"},
		{notifiers.SMS, "+15550100", "+15550100"},
		{notifiers.Webhook, "", ""},
	} {
		if got := test.kind.Place(test.target); got != test.want {
			t.Errorf("%s %q: got %q, want %q", test.kind, test.target, got, test.want)
		}
	}
}
