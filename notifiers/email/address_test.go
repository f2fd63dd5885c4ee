package email_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

// What an address becomes in the conversation and in the header.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"it@example.net":                            "it@example.net",
		"IT <it@example.net>":                       "it@example.net",
		"it@bücher.example":                         "it@xn--bcher-kva.example",
		"it@BÜCHER.example":                         "it@xn--bcher-kva.example",
		"IT <it@почта.example>":                     "it@xn--80a1acny.example",
		"it@例え.テスト":                                 "it@xn--r8jz45g.xn--zckzah",
		"it@münchen.xn--bcher-kva.example":          "it@xn--mnchen-3ya.xn--bcher-kva.example",
		`"john doe"@example.net`:                    `"john doe"@example.net`,
		`"a@b"@example.net`:                         `"a@b"@example.net`,
		`"x> NOTIFY=NEVER"@example.net`:             `"x> NOTIFY=NEVER"@example.net`,
		`"say \"hi\" \\ now"@example.net`:           `"say \"hi\" \\ now"@example.net`,
		`"plain"@example.net`:                       "plain@example.net",
		"a+b_c=d/e!f@example.net":                   "a+b_c=d/e!f@example.net",
		"it@[192.0.2.1]":                            "it@[192.0.2.1]",
		"it@mail_host.example.net":                  "it@mail_host.example.net",
		`"quoted and far"@bücher.example`:           `"quoted and far"@xn--bcher-kva.example`,
		`IT "on call" team <"a b"@example.net>`:     `"a b"@example.net`,
		"=?utf-8?q?B=C3=BCro?= <it@b\u00fccher.de>": "it@xn--bcher-kva.de",
	} {
		t.Run(address, func(t *testing.T) {
			r := &relay{}
			settings := startRelay(t, r)
			settings.From = address
			if _, err := open(t, settings).Notify(t.Context(), target(t, address), notifiertest.Message("k")); err != nil {
				t.Fatal(err)
			}
			mail, letters, _ := r.seen("MAIL")
			rcpt, _, _ := r.seen("RCPT")
			if !slices.Equal(mail, []string{"MAIL FROM:<" + want + ">"}) || !slices.Equal(rcpt, []string{"RCPT TO:<" + want + ">"}) {
				t.Errorf("said %q and %q", mail, rcpt)
			}
			header := parse([]byte(letters[0].data)).Header
			for _, field := range []string{"From", "To"} {
				if got := header.Get(field); !strings.Contains(got, "<"+want+">") {
					t.Errorf("%s is %q", field, got)
				}
			}
			if domain := want[strings.LastIndex(want, "@"):]; !strings.HasSuffix(header.Get("Message-Id"), domain+">") {
				t.Errorf("Message-ID is %q", header.Get("Message-Id"))
			}
		})
	}
}

// A local part that is not ASCII is for SMTPUTF8 alone (RFC 6531).
func TestInternationalLocalPart(t *testing.T) {
	for name, test := range map[string]struct {
		keywords []string
		want     string
	}{
		"offered":     {[]string{"8BITMIME", "SmtpUtf8"}, ""},
		"not offered": {[]string{"8BITMIME"}, "does not offer SMTPUTF8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &relay{keywords: test.keywords}
			_, err := open(t, startRelay(t, r)).Notify(t.Context(), target(t, "jürgen@bücher.example"), notifiertest.Message("k"))
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v", err)
				}
				return
			}
			mail, _, _ := r.seen("MAIL")
			rcpt, _, _ := r.seen("RCPT")
			if err != nil || !strings.HasSuffix(mail[0], " SMTPUTF8") || rcpt[0] != "RCPT TO:<jürgen@xn--bcher-kva.example>" {
				t.Errorf("%v, said %q and %q", err, mail, rcpt)
			}
		})
	}
}

// Whatever stands in an address that is accepted, a command stays one line with
// one path, and the header gains no field.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{
		"it@example.net", `"x> SIZE=1"@example.net`, "\"a\\\r\nDATA\"@example.net", "it@bücher.example", "a@[1.2.3.4]", "a@[x> y]",
		`"\"@example.net`, "it@example.net> BODY=8BITMIME", "a@b\u2028c.example", "=?utf-8?q?=0D=0ABcc:_x?= <a@b.example>", "a@xn--.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		to, err := email.NewTarget([]string{address}, nil)
		if err != nil {
			return
		}
		paths, err := email.Paths(to)
		if err != nil {
			t.Fatalf("%q was accepted, and then: %v", address, err)
		}
		for _, path := range paths {
			checkPath(t, path)
		}
	})
}

// checkPath holds a path to RFC 5321 section 4.1.2.
func checkPath(t *testing.T, path string) {
	t.Helper()
	quoted, escaped := false, false
	for i, r := range path {
		switch {
		case r < ' ' || r == 0x7f:
			t.Fatalf("%q has a control character", path)
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && (r == ' ' || r == '>' && i != len(path)-1 || r == '<' && i != 0):
			t.Fatalf("%q ends early", path)
		}
	}
	if quoted || !strings.HasPrefix(path, "<") || !strings.HasSuffix(path, ">") {
		t.Fatalf("%q is no path", path)
	}
}
