//go:build !quick

package probe

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/proxies"
)

// mailProxy starts an nginx that speaks IMAP itself and hands a session to a Dovecot once
// the user has given a password (ngx_mail_core_module). Its first port has TLS, its
// second one STARTTLS. It asks the directory who may log in, by HTTP.
func mailProxy(t *testing.T, server *dovecot.Server, directory string, leaf ca.Leaf) *proxies.Proxy {
	t.Helper()
	return proxies.Nginx(t, proxies.Options{Authority: server.CA(), Certificate: leaf, Ports: 2, Config: fmt.Sprintf(`
mail {
	server_name localhost;
	auth_http %s;
	auth_http_timeout 5s;
	proxy_pass_error_message on;
	imap_capabilities IMAP4rev1 ID;
	ssl_certificate {{.Dir}}/cert.pem;
	ssl_certificate_key {{.Dir}}/key.pem;
	server {
		listen 127.0.0.1:{{port 0}} ssl;
		protocol imap;
	}
	server {
		listen 127.0.0.1:{{port 1}};
		protocol imap;
		starttls only;
	}
}
`, directory)})
}

// userDirectory answers nginx by ngx_mail_auth_http_module: it knows alice and her
// password, and leads her to the Dovecot.
func userDirectory(t *testing.T, server *dovecot.Server) *httptest.Server {
	t.Helper()
	d := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Auth-User") != "alice" || r.Header.Get("Auth-Pass") != secret {
			w.Header().Set("Auth-Status", "Invalid login or password")
			return
		}
		w.Header().Set("Auth-Status", "OK")
		w.Header().Set("Auth-Server", "127.0.0.1")
		w.Header().Set("Auth-Port", strconv.Itoa(server.IMAPPort()))
	}))
	t.Cleanup(d.Close)
	return d
}

// What dies behind nginx is told from what dies in it: nginx goes on greeting for a
// server that is away.
func TestNginxAsMailProxy(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}, MaxUserIPConnections: 1})
	directory := userDirectory(t, server)
	at := strings.TrimPrefix(directory.URL, "http://")
	proxy := mailProxy(t, server, at, ca.Leaf{})
	prober := New(Options{Roots: server.CA().Pool(), Version: "1"})
	expect := func(when string, check config.Probe, want string) {
		t.Helper()
		// Every question is about a check of its own: nothing is remembered.
		expectReal(t, when, prober.judged(t.Context(), config.CheckID(when), check), want)
	}
	imaps, startTLS := realCheck(t, proxy.Address(0), config.TLSFromStart), realCheck(t, proxy.Address(1), config.StartTLS)
	expect("well, imaps", imaps, "ok")
	expect("well, starttls", startTLS, "ok")
	expect("logged in, imaps", asAlice(imaps, ""), "ok")
	expect("logged in, starttls", asAlice(startTLS, ""), "ok")
	wrong := asAlice(imaps, "")
	wrong.Login.Password = opaque.NewSecret("wrong")
	expect("a wrong password", wrong, "degraded login/credentials_rejected account")
	missing := asAlice(imaps, "")
	missing.Login.Mailbox = "Nowhere"
	expect("a missing mailbox", missing, "degraded select/mailbox_missing account")

	release := occupy(t, server.IMAPS(), server.CA())
	expect("one session too many behind it", asAlice(imaps, ""), "down login/connection_limit service")
	release()

	server.Freeze()
	hanging := asAlice(imaps, "")
	hanging.Timeout = 3 * time.Second
	expect("the back end hangs, without a login", imaps, "ok")
	expect("the back end hangs", hanging, "down login/timeout service")
	server.Thaw()
	server.Stop()
	expect("the back end is dead, without a login", imaps, "ok")
	expect("the back end is dead", asAlice(imaps, ""), "down login/backend_unavailable service")
	server.Start()
	expect("the back end is back", asAlice(imaps, ""), "ok")
	directory.Close()
	expect("the directory is dead", asAlice(imaps, ""), "down login/backend_unavailable service")

	proxy.Stop()
	expect("stopped", imaps, "down connect/refused service")
}

func TestNginxAsMailProxyWithABadCertificate(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	at := net.JoinHostPort("127.0.0.1", "1")
	for want, leaf := range map[config.Cause]ca.Leaf{
		config.CauseCertExpired:   ca.Expired(ca.Leaf{}),
		config.CauseCertUntrusted: {SelfSigned: true},
	} {
		leaf.Names, leaf.IPs = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		proxy := mailProxy(t, server, at, leaf)
		prober := New(Options{Roots: server.CA().Pool()})
		for i, security := range []config.Security{config.TLSFromStart, config.StartTLS} {
			r := prober.judged(t.Context(), config.CheckID(security), realCheck(t, proxy.Address(i), security))
			expectReal(t, string(security), r, "down tls/"+string(want))
		}
	}
}
