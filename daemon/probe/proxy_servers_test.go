//go:build !quick

package probe

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/dovecot"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/proxies"
)

// A proxied port of a real server wants the PROXY header, and how it is secured.
type proxiedPort struct {
	address  string
	security config.Security
	login    bool
}

// testProxied holds ports, side by side, to what the attribute proxy_protocol promises.
func testProxied(t *testing.T, authority *ca.Authority, ports map[string]proxiedPort) {
	t.Helper()
	var probing sync.WaitGroup
	for name, port := range ports {
		probing.Go(func() { port.test(t, name, authority) })
	}
	probing.Wait()
}

// test: with either header the port is well; without one it is down, and the hint names
// the attribute.
func (p proxiedPort) test(t *testing.T, name string, authority *ca.Authority) {
	check := realCheck(t, p.address, p.security)
	if p.login {
		check = asAlice(check, "")
	}
	prober := New(Options{Roots: authority.Pool()})
	for _, version := range []config.ProxyProtocol{config.ProxyV1, config.ProxyV2} {
		check.ProxyProtocol = version
		expectReal(t, name+" "+string(version), prober.judged(t.Context(), config.CheckID(name+string(version)), check), "ok")
	}
	// Servers wait for the header for 3 seconds (Dovecot) or half a minute (nginx).
	check.ProxyProtocol, check.Timeout = "", 10*time.Second
	worst := worstOf(prober.judged(t.Context(), config.CheckID(name), check))
	if worst.Health != incident.Down || !strings.Contains(worst.Hint, `proxy_protocol = "v1" or "v2"`) {
		t.Errorf("%s without the header: %s %s/%s: %s", name, worst.Health, worst.Phase, worst.Cause, worst.Hint)
	}
}

// testUnproxied holds a port that expects no header to be told so.
func testUnproxied(t *testing.T, authority *ca.Authority, address string, security config.Security) {
	t.Helper()
	for _, version := range []config.ProxyProtocol{config.ProxyV1, config.ProxyV2} {
		check := realCheck(t, address, security)
		check.ProxyProtocol, check.Timeout = version, 20*time.Second
		worst := worstOf(New(Options{Roots: authority.Pool()}).judged(t.Context(), "check", check))
		if worst.Health != incident.Down || !strings.Contains(worst.Hint, fmt.Sprintf("proxy_protocol = %q", version)) {
			t.Errorf("%s with a header that is not expected: %s %s/%s: %s %q", address, worst.Health, worst.Phase, worst.Cause, worst.Hint, worst.Evidence)
		}
	}
}

// proxiedDovecot is a Dovecot whose two further ports want the PROXY header.
func proxiedDovecot(t *testing.T) (server *dovecot.Server, imap, imaps string) {
	t.Helper()
	plain, err := process.ClaimPort(t, []string{"127.0.0.2"})
	secure, err2 := process.ClaimPort(t, []string{"127.0.0.2"})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	server = dovecot.Start(t, dovecot.Options{
		Users: map[string]string{"alice": secret}, Addresses: []string{"127.0.0.2"},
		Extra: fmt.Sprintf(`
haproxy_trusted_networks = 127.0.0.0/8
service imap-login {
  inet_listener imap_behind {
    port = %d
    haproxy = yes
  }
  inet_listener imaps_behind {
    port = %d
    ssl = yes
    haproxy = yes
  }
}
`, plain, secure),
	})
	at := func(port int) string { return net.JoinHostPort("127.0.0.2", strconv.Itoa(port)) }
	return server, at(plain), at(secure)
}

func TestDovecotBehindAProxy(t *testing.T) {
	server, imap, imaps := proxiedDovecot(t)
	testProxied(t, server.CA(), map[string]proxiedPort{
		"imap":     {imap, config.Plain, false},
		"starttls": {imap, config.StartTLS, true},
		"imaps":    {imaps, config.TLSFromStart, true},
	})
	testUnproxied(t, server.CA(), server.IMAPS(), config.TLSFromStart)
	testUnproxied(t, server.CA(), server.IMAP(), config.StartTLS)
	if log := server.Log(); !strings.Contains(log, "rip=127.0.0.1, lip=127.0.0.2") {
		t.Errorf("Dovecot was told other addresses:\n%s", log)
	}
}

func TestHAProxyWantsTheHeader(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	proxy := proxies.HAProxy(t, proxies.Options{Authority: server.CA(), Ports: 4, Config: fmt.Sprintf(`
listen passes
	bind 127.0.0.1:{{port 0}} accept-proxy
	server dovecot %s
listen passes_tls
	bind 127.0.0.1:{{port 1}} accept-proxy
	server dovecot %s
listen ends_tls
	bind 127.0.0.1:{{port 2}} accept-proxy ssl crt {{.Dir}}/both.pem
	server dovecot %s
listen without
	bind 127.0.0.1:{{port 3}} ssl crt {{.Dir}}/both.pem
	server dovecot %s
`, server.IMAP(), server.IMAPS(), server.IMAP(), server.IMAP())})
	testProxied(t, server.CA(), map[string]proxiedPort{
		"passes":     {proxy.Address(0), config.StartTLS, true},
		"passes tls": {proxy.Address(1), config.TLSFromStart, true},
		"ends tls":   {proxy.Address(2), config.TLSFromStart, false},
	})
	testUnproxied(t, server.CA(), proxy.Address(3), config.TLSFromStart)
}

func TestNginxWantsTheHeader(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{Users: map[string]string{"alice": secret}})
	proxy := proxies.Nginx(t, proxies.Options{Authority: server.CA(), Ports: 4, Config: fmt.Sprintf(`
stream {
	server {
		listen 127.0.0.1:{{port 0}} proxy_protocol;
		proxy_pass %s;
	}
	server {
		listen 127.0.0.1:{{port 1}} proxy_protocol;
		proxy_pass %s;
	}
}
mail {
	auth_http 127.0.0.1:1/nobody;
	ssl_certificate {{.Dir}}/cert.pem;
	ssl_certificate_key {{.Dir}}/key.pem;
	server {
		listen 127.0.0.1:{{port 2}} ssl proxy_protocol;
		protocol imap;
	}
	server {
		listen 127.0.0.1:{{port 3}} proxy_protocol;
		protocol imap;
		starttls on;
	}
}
`, server.IMAP(), server.IMAPS())})
	testProxied(t, server.CA(), map[string]proxiedPort{
		"stream":        {proxy.Address(0), config.StartTLS, true},
		"stream tls":    {proxy.Address(1), config.TLSFromStart, true},
		"mail tls":      {proxy.Address(2), config.TLSFromStart, false},
		"mail starttls": {proxy.Address(3), config.StartTLS, false},
	})
}

// stunnel with protocol = imap takes clear text and TLS on one port. Once it has
// greeted in clear text, that it answers a ClientHello is no reason to advise TLS.
func TestStunnelBeforeAServerThatIsAway(t *testing.T) {
	server := dovecot.Start(t, dovecot.Options{})
	proxy := proxies.Stunnel(t, proxies.Options{Authority: server.CA(), Ports: 1, Config: fmt.Sprintf(`
[imap]
accept = 127.0.0.1:{{port 0}}
connect = %s
protocol = imap
`, server.IMAP())})
	prober := New(Options{Roots: server.CA().Pool()})
	check := realCheck(t, proxy.Address(0), config.StartTLS)
	expect := func(when, want, hint string) {
		t.Helper()
		r := prober.judged(t.Context(), "check", check)
		expectReal(t, when, r, want)
		if got := worstOf(r).Hint; !strings.Contains(got, hint) || strings.Contains(got, `security = "tls"`) {
			t.Errorf("%s: the hint is %q", when, got)
		}
	}
	expect("well", "ok", "")
	server.Freeze()
	check.Timeout = 10 * time.Second
	expect("frozen", "down greeting/timeout", "check the server behind it")
	server.Thaw()
	server.Stop()
	check.Timeout = time.Minute
	expect("stopped", "down greeting/reset", "Possible reasons: a proxy in front of a server that is down or hangs")
}
