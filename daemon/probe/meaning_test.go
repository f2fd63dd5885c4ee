package probe

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A saying is a line of testdata/sayings.txt.
type saying struct {
	line      int
	statement statement
	want      string
}

func sayings(t testing.TB) (all []saying) {
	t.Helper()
	text, err := os.ReadFile("testdata/sayings.txt")
	if err != nil {
		t.Fatal(err)
	}
	for number, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		said, want, found := strings.Cut(line, "=>")
		where, response, _ := strings.Cut(said, " ")
		if !found {
			t.Fatalf("line %d: %q", number+1, line)
		}
		all = append(all, saying{number + 1, stated(t, where, strings.TrimSpace(response)), strings.TrimSpace(want)})
	}
	return all
}

// stated is a response as a statement to probe@example.org, who opens
// Archive/2026.
func stated(t testing.TB, where, response string) statement {
	t.Helper()
	r := (&responses{redact: &redactor{}}).parseRedacted("* " + response)
	s := statement{
		code: r.code, words: r.spokenText(), host: "imap.example.net",
		login: config.Login{Username: "probe@example.org", Password: opaque.NewSecret(secret), Mailbox: "Archive/2026"},
	}
	in := map[string]situation{
		"login": loginRefused, "login-token": loginRefused, "select": mailboxRefused, "select-inbox": mailboxRefused,
		"select-again": mailboxRefused, "cut-login": loginCut, "cut-select": mailboxCut, "early": earlyEnd,
	}[where]
	if r.status == "BYE" {
		in = map[situation]situation{loginRefused: loginEnded, mailboxRefused: mailboxEnded, earlyEnd: earlyEnd}[in]
	}
	if in == 0 || r.status == "" {
		t.Fatalf("%q says nothing in %q", response, where)
	}
	s.situation, s.bearer, s.opened = in, where == "login-token", where == "select-again"
	if where == "select-inbox" {
		s.login.Mailbox = "INBOX"
	}
	return s
}

// verdictOf is a meaning as the sayings write it.
func verdictOf(m meaning) string {
	switch {
	case m.cause == "":
		return "-"
	case m.account:
		return fmt.Sprintf("degraded %s", m.cause)
	}
	return fmt.Sprintf("down %s", m.cause)
}

func TestWhatServersSay(t *testing.T) {
	all := sayings(t)
	if len(all) < 200 {
		t.Errorf("only %d sayings", len(all))
	}
	for _, s := range all {
		m := meaningOf(s.statement)
		if got := verdictOf(m); got != s.want {
			t.Errorf("line %d: [%s] %q means %q, want %q", s.line, s.statement.code, s.statement.words, got, s.want)
		}
		if m.cause != "" && (m.hint == "" || strings.Contains(m.hint, "{")) {
			t.Errorf("line %d: the hint %q", s.line, m.hint)
		}
	}
}

// oddNames are names of users that are words of this trade, or hard to find in a
// text.
var oddNames = []string{
	"ldap", "ldap-probe", "timeout", "limit", "sql", "pam", "a", "in", "temporary", "too.many", "disk", "blocked", "i/o", "unavailable",
	"mysql-monitor@example.org", "db@sqlhost.example.org", "timeout@example.org", "blocked@example.org", "monitor@ldap.example.org",
	`EXAMPLE\ldap`, "ldap%example.org", "imap+timeout@example.org", "shared@example.org/disk", "LDAP@Example.ORG", "Ｌdap", "ünavailable",
	".*", "(", `"quoted name"`, `back\slash`, "@", "", " ", "o'timeout", "maximum number", "rate", "x", "0", "\xff\xfe", "user@[192.0.2.1]",
}

// A user's own name says nothing, wherever it stands and however it is written.
func TestOwnNamesSayNothing(t *testing.T) {
	const apart = 7 // every saying with some names, and every name with some sayings
	for i, name := range oddNames {
		for j, s := range sayings(t) {
			if (i+j)%apart != 0 {
				continue
			}
			s.statement.login.Username = name
			want := verdictOf(meaningOf(s.statement))
			for _, shown := range []string{name, strings.ToUpper(name), `"` + name + `"`, "<" + name + ">:", "'" + name + "'"} {
				told := s.statement
				for _, told.words = range []string{s.statement.words + " " + shown, shown + " " + s.statement.words} {
					if got := verdictOf(meaningOf(told)); got != want {
						t.Fatalf("user %q: %q means %q, and without the name %q", name, told.words, got, want)
					}
				}
			}
		}
	}
}

// What is about a wrong password stays so for a user with an odd name.
func TestNamesInARefusal(t *testing.T) {
	for _, name := range oddNames {
		local, domain, _ := strings.Cut(name, "@")
		for _, shown := range []string{name, strings.ToUpper(name), local, domain, name + "@mx.example.net"} {
			for _, text := range []string{
				"LOGIN failed. Invalid login/password for user id " + shown, "no: " + shown, "[AUTHENTICATIONFAILED] " + shown + " is refused",
				"Login failed for " + shown + ".", "'" + shown + "': user unknown", shown + " rejected",
			} {
				s := stated(t, "login", "NO "+text)
				s.login.Username = name
				if m := meaningOf(s); !m.account {
					t.Errorf("user %q: %q means %+v", name, text, m)
				}
			}
		}
	}
}

// The host and the mailbox are names as well.
func TestHostAndMailboxSayNothing(t *testing.T) {
	s := stated(t, "login", "NO Login failed on ldap.timeout.example.org")
	s.host = "LDAP.timeout.example.org"
	if m := meaningOf(s); !m.account {
		t.Errorf("the host: %+v", m)
	}
	for _, mailbox := range []string{"Disk", "Storage/timeouts", "Archive.Temporary", "ldap", "Too many/2026", "back end"} {
		for _, shown := range []string{mailbox, `"` + mailbox + `"`, mailbox[strings.LastIndexAny(mailbox, "/.")+1:]} {
			s := stated(t, "select", "NO Unknown Mailbox: "+shown+" (Failure)")
			s.login.Mailbox = mailbox
			if m := meaningOf(s); m.cause != "mailbox_missing" {
				t.Errorf("mailbox %q as %q: %+v", mailbox, shown, m)
			}
		}
	}
}

// FuzzMeaning: no statement stops the probe, and the name of the user, put between
// any two words of it, does not change what it means.
func FuzzMeaning(f *testing.F) {
	for _, s := range sayings(f) {
		f.Add(s.statement.words, s.statement.code, uint8(s.statement.situation), "ldap@example.org", uint(3))
	}
	f.Fuzz(func(t *testing.T, words, code string, in uint8, name string, place uint) {
		s := statement{situation: 1 << (in % 7), code: code, words: words, login: config.Login{Username: name, Mailbox: "x"}}
		m := meaningOf(s)
		if s.situation&refusals != 0 && m.cause == "" {
			t.Errorf("%+v means nothing", s)
		}
		list, own := strings.Fields(s.plainWords()), strings.Fields(normalise(name))
		shares := func(word string) bool { return slices.Contains(own, word) }
		if len(words)+len(name) > 2000 || slices.ContainsFunc(list, shares) {
			return // which of equal words is the name, nobody can tell
		}
		at := int(place % uint(len(list)+1))
		s.words = strings.Join(list[:at], " ") + " " + name + " " + strings.Join(list[at:], " ")
		if with := meaningOf(s); verdictOf(with) != verdictOf(m) {
			t.Errorf("%q means %q, and %q means %q", words, verdictOf(m), s.words, verdictOf(with))
		}
	})
}
