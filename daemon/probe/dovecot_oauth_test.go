//go:build !quick

package probe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
)

// introspection is an OAuth server that Dovecot asks about tokens (RFC 7662): it
// knows one.
func introspection(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		known := r.Header.Get("Authorization") == "Bearer "+secret
		fmt.Fprintf(w, `{"active":"%t","username":"alice"}`, known)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// takesTokens is the configuration of a Dovecot that takes them, in the language
// of the installed version.
func takesTokens(t *testing.T, url string) string {
	t.Helper()
	version, err := exec.Command("dovecot", "--version").Output()
	if err != nil {
		version, err = exec.Command("/usr/sbin/dovecot", "--version").Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(version), "2.3.") {
		return fmt.Sprintf(`
oauth2 {
  introspection_mode = auth
  introspection_url = %s
  username_attribute = username
  active_attribute = active
  active_value = true
}
passdb oauth2 {
  mechanisms_filter = xoauth2 oauthbearer
}
`, url)
	}
	dir, err := os.MkdirTemp("/tmp", "dovecot-oauth-") // Dovecot's own user must be able to get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "oauth2.conf")
	text := fmt.Sprintf("introspection_mode = auth\nintrospection_url = %s\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n", url)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return "passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = " + file + "\n}\n"
}

func TestDovecotTokens(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{
		Users:      map[string]string{"alice": "unused"},
		Mechanisms: []string{"XOAUTH2", "OAUTHBEARER"},
		Extra:      takesTokens(t, introspection(t)),
	})
	prober := New(Options{Roots: server.CA().Pool()})
	for _, mechanism := range []string{"", "XOAUTH2", "OAUTHBEARER"} {
		check := realCheck(t, server.IMAPS(), config.TLSFromStart)
		check.Login = config.Login{Username: "alice", Token: opaque.NewSecret(secret), Mechanism: mechanism, Mailbox: "INBOX"}
		r := prober.judged(t.Context(), "right", check)
		expectReal(t, "a good token with "+mechanism, r, "ok")
		if !r.Observed.Has(config.ConditionAccount) {
			t.Error("no login")
		}
		check.Login.Token = opaque.NewSecret("expired")
		expectReal(t, "a bad token with "+mechanism, prober.judged(t.Context(), "wrong", check), "degraded login/token_refused account")
	}
}
