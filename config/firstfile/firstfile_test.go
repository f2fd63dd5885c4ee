package firstfile_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/firstfile"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

func TestFirstFile(t *testing.T) {
	t.Parallel()
	text, err := firstfile.Write(firstfile.Answers{
		Host: "imap.example.org", Services: []firstfile.Service{{Port: 993}, {Port: 143}, {Port: 10993, Security: config.TLSFromStart}},
		To: []string{"ops@example.org", "Night \"shift\" <night@example.org>"}, From: "imapvigil <imapvigil@example.org>",
		Relay: firstfile.Relay{Host: "smtp.example.net", Port: 587, Security: "starttls", Username: "probe${x}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/first.hcl", string(text))
	loads(t, text, 3)
}

// loads checks that a file loads, and warns of nothing that it could avoid.
func loads(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte, checks int,
) {
	t.Helper()
	// The password is not there yet.
	s := source.Restored("first.hcl", "/nowhere", []source.File{{Name: "first.hcl", Text: text}}, nil, source.Options{NoCredentials: true})
	cfg, diags := hclfile.Load(s)
	// The relay may be the host that is watched, which is warned of.
	diags = slices.DeleteFunc(diags, func(d config.Diagnostic) bool { return d.Rule == "own-mail" })
	if cfg == nil || len(diags) > 0 {
		var all strings.Builder
		_ = config.Print(&all, diags, false)
		t.Fatalf("%s\n%s", all.String(), text)
	}
	if len(cfg.Checks) != checks || len(cfg.Roles[firstfile.Role].Notify) != 1 || len(cfg.Daemon.Roles) != 1 {
		t.Fatalf("%d checks, roles %v:\n%s", len(cfg.Checks), cfg.Roles, text)
	}
}

// TestAnyAnswersLoad: whatever is answered, if it is a host, an address and a relay, the
// file loads.
func TestAnyAnswersLoad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		security := rapid.SampledFrom([]string{"starttls", "tls", "none"}).Draw(t, "security")
		relay := firstfile.Relay{Host: "smtp.example.net", Security: security, Port: rapid.SampledFrom([]int{25, 587, 465}).Draw(t, "port")}
		switch security {
		case "none":
			relay.Host, relay.Port = rapid.SampledFrom([]string{"localhost", "127.0.0.1", "::1"}).Draw(t, "relay"), 25
		case "tls":
			relay.Port = 465
		default:
			relay.Port = 587
		}
		if security != "none" && rapid.Bool().Draw(t, "login") {
			relay.Username = rapid.StringMatching(`[a-z$%{}"\\@ ]{0,8}[a-z]`).Draw(t, "username")
		}
		local := rapid.StringMatching(`[a-z][a-z0-9.+-]{0,6}[a-z]`).Draw(t, "local")
		if strings.Contains(local, "..") {
			return // no address
		}
		a := firstfile.Answers{
			Host: rapid.SampledFrom([]string{"imap.example.org", "192.0.2.1", "2001:db8::25", "::1", "xn--bcher-kva.example", "a_b.example.org"}).Draw(t, "host"),
			To:   []string{local + "@example.org"}, From: "imapvigil <" + local + "@example.org>", Relay: relay,
			Services: rapid.SampledFrom([][]firstfile.Service{
				{{Port: 993}}, {{Port: 993}, {Port: 143}}, {{Port: 143, Security: config.Plain}}, {{Port: 7, Security: config.StartTLS}},
			}).Draw(t, "services"),
		}
		text, err := firstfile.Write(a)
		if err != nil {
			t.Fatal(err)
		}
		loads(t, text, len(a.Services))
	})
}
