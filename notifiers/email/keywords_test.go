package email_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

// RFC 5321 section 4.1.1.1: letter case does not matter in a reply to EHLO. The
// old form of AUTH comes alone, or beside the new one.
func TestKeywordsInAnyLetterCase(t *testing.T) {
	for name, test := range map[string]struct{ keywords, afterTLS []string }{
		"lower":                   {[]string{"8bitmime", "starttls"}, []string{"auth plain login"}},
		"mixed":                   {[]string{"StartTLS"}, []string{"Auth Login"}},
		"mechanisms in lower":     {[]string{"STARTTLS"}, []string{"AUTH login plain"}},
		"old form":                {[]string{"STARTTLS"}, []string{"AUTH=LOGIN PLAIN"}},
		"old form in lower":       {[]string{"starttls"}, []string{"auth=login"}},
		"old form with a space":   {[]string{"STARTTLS"}, []string{"AUTH= LOGIN"}},
		"both, the old one less":  {[]string{"STARTTLS"}, []string{"AUTH PLAIN", "AUTH=GSSAPI"}},
		"both, the old one first": {[]string{"STARTTLS"}, []string{"AUTH=GSSAPI", "auth plain"}},
		"two lines of AUTH":       {[]string{"STARTTLS"}, []string{"AUTH GSSAPI", "AUTH PLAIN", "AUTH NTLM"}},
		"tabs and spaces":         {[]string{"starttls  "}, []string{"AUTH\tGSSAPI \t plain "}},
		"a long line before":      {[]string{"X-" + strings.Repeat("y", 6000), "STARTTLS"}, []string{"AUTH PLAIN"}},
		"an empty keyword":        {[]string{"", " ", "STARTTLS"}, []string{"", "AUTH PLAIN"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &relay{keywords: test.keywords, afterTLS: test.afterTLS}
			settings := startRelay(t, r)
			settings.Security, settings.Username, settings.Password = "starttls", user, opaque.NewSecret(canary)
			if _, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k")); err != nil {
				t.Fatal(err)
			}
			if _, letters, who := r.seen(""); len(letters) != 1 || who != user {
				t.Errorf("%d letters, logged in as %q", len(letters), who)
			}
		})
	}
}

// What was offered before TLS is void, and clear text behind the answer to
// STARTTLS is not read as the server's (RFC 3207 sections 4.2 and 6).
func TestStartTLSBeginsAnew(t *testing.T) {
	for name, test := range map[string]struct {
		relay *relay
		want  string
	}{
		"login offered before TLS only": {
			&relay{keywords: []string{"STARTTLS", "AUTH PLAIN"}, afterTLS: []string{"PIPELINING"}}, "allows none of the mechanisms that the server offers",
		},
		"injected text": {
			&relay{keywords: []string{"STARTTLS"}, afterTLS: []string{"AUTH PLAIN"}, behind: "250-evil\r\n250 AUTH PLAIN"}, "clear text",
		},
		"no STARTTLS, but a word like it": {
			&relay{keywords: []string{"X-STARTTLS", "STARTTLSX", "AUTH PLAIN"}}, "does not offer it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			settings := startRelay(t, test.relay)
			settings.Security, settings.Username, settings.Password = "starttls", user, opaque.NewSecret(canary)
			_, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			if _, letters, who := test.relay.seen(""); len(letters) > 0 || who != "" {
				t.Errorf("%d letters, logged in as %q", len(letters), who)
			}
		})
	}
}

// 8BITMIME in any letter case is used as the standard says (RFC 6152).
func TestParametersOfMail(t *testing.T) {
	r := &relay{keywords: []string{"8BitMime", "smtputf8"}}
	settings := startRelay(t, r)
	if _, err := open(t, settings).Notify(t.Context(), target(t, "it@example.net"), notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	if mail, _, _ := r.seen("MAIL"); len(mail) != 1 || mail[0] != "MAIL FROM:<alerts@example.net> BODY=8BITMIME" {
		t.Errorf("said %q", mail)
	}
}
