//go:build !quick

package probe

import (
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
)

// A Dovecot that demands client certificates takes the handshake without one, greets,
// and refuses every login.
func TestDovecotDemandsCertificate(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{
		Users: map[string]string{"alice": secret}, Mechanisms: []string{"PLAIN"}, ClientCertificates: true,
		Extra: "auth_ssl_require_client_cert = yes\n",
	})
	for address, security := range map[string]config.Security{server.IMAPS(): config.TLSFromStart, server.IMAP(): config.StartTLS} {
		prober := New(Options{Roots: server.CA().Pool()})
		check := realCheck(t, address, security)
		expectReal(t, "without a login", prober.judged(t.Context(), "dovecot", check), "ok")
		expectReal(t, "with one", prober.judged(t.Context(), "dovecot", asAlice(check, "")), "degraded tls/client_cert_required account")
	}
}
