package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// A port that has greeted in clear text keeps doing so: that it answers a
// ClientHello, too, says nothing while it is silent, as stunnel with protocol =
// imap is before a server that is away.
func TestTLSOnAPortThatGreetedBefore(t *testing.T) {
	const greets = "S: * OK ready\nserve\n"
	for _, test := range []struct{ name, script, want, hint string }{
		{"silence", greets + "--- next connection\nsilence\n--- next connection\ntls\nS: * OK ready\nsilence", "down greeting/timeout", "check the server behind it"},
		{"hang-up", greets + "--- next connection\npause 1s\n--- next connection\ntls\nS: * OK ready\nsilence", "down greeting/closed", "check the server behind it"},
		{"it greeted and broke off", "S: * OK ready\nC\n--- next connection\nsilence\n--- next connection\ntls\nsilence", "down greeting/timeout", "check the server behind it"},
		{"never greeted", "silence\n--- next connection\nsilence\n--- next connection\nsilence\n--- next connection\ntls\nsilence", "down greeting/tls_on_plain_port", "speaks TLS from the start"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.check.Security = config.Plain
				b.serve("192.0.2.1", test.script)
				b.probe()
				r := b.probeAfter(time.Minute)
				b.expect(r, test.want)
				if got := worstOf(r).Hint; !strings.Contains(got, test.hint) {
					t.Errorf("the hint is %q, want %q", got, test.hint)
				}
			})
		})
	}
}

// Another check's security belongs to another past: a port that is asked with
// STARTTLS from now on is still the one that greeted.
func TestGreetingIsRememberedAcrossSecurity(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.check.Security = config.Plain
		b.serve("192.0.2.1", "S: * OK ready\nserve\n--- next connection\nsilence\n--- next connection\ntls\nsilence")
		b.probe()
		b.check.Security = config.StartTLS
		b.expect(b.probeAfter(time.Minute), "down greeting/timeout")
	})
}

// portNetwork answers by port: a nil error connects to a server that is silent.
type portNetwork map[uint16]error

func (n portNetwork) dial(ctx context.Context, _, address string) (net.Conn, error) {
	switch err := n[netip.MustParseAddrPort(address).Port()]; {
	case err == nil:
		near, far := net.Pipe()
		imaptest.New(imaptest.MustParse("silence"), nil).Talk(far)
		return near, nil
	case err == os.ErrDeadlineExceeded: //nolint:errorlint // a mark of this test
		<-ctx.Done()
		return nil, ctx.Err()
	default:
		return nil, err
	}
}

func (n portNetwork) hint(t *testing.T, prober *Prober, port uint16) string {
	t.Helper()
	r := prober.judged(t.Context(), config.CheckID(string(rune('a'+port%26))), config.Probe{Hostname: "192.0.2.1", Port: port, Security: config.Plain, Timeout: 20 * time.Second})
	return worstOf(r).Hint
}

// A port that drops packets while another one of the same address answers is
// filtered; a host whose every port is silent may be down.
func TestFilteredPort(t *testing.T) {
	const isUp, isDown = "of the same address answered", "the host is down"
	for _, test := range []struct {
		name  string
		other error
		pause time.Duration
		up    bool
	}{
		{"another port takes connections", nil, time.Second, true},
		{"another port refuses them", syscall.ECONNREFUSED, time.Second, true},
		{"it did, a minute ago", nil, time.Minute, true},
		{"it did, long ago", nil, reachedFor, false},
		{"another port is silent, too", os.ErrDeadlineExceeded, time.Second, false},
		{"a router says unreachable", syscall.EHOSTUNREACH, time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := portNetwork{993: os.ErrDeadlineExceeded, 143: test.other}
				prober := New(Options{Dial: network.dial})
				prober.routes.exists = func(netip.AddrPort) bool { return true }
				network.hint(t, prober, 143)
				time.Sleep(test.pause)
				got := network.hint(t, prober, 993)
				if strings.Contains(got, isUp) != test.up || strings.Contains(got, isDown) == test.up {
					t.Errorf("the hint is %q", got)
				}
			})
		})
	}
}

// A firewall may say so instead of dropping packets.
func TestProhibitedPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := portNetwork{993: syscall.EHOSTUNREACH, 143: nil}
		prober := New(Options{Dial: network.dial})
		prober.routes.exists = func(netip.AddrPort) bool { return true }
		if got := network.hint(t, prober, 993); got != "The network says that 192.0.2.1 cannot be reached." {
			t.Errorf("the hint is %q", got)
		}
		network.hint(t, prober, 143)
		if got := network.hint(t, prober, 993); !strings.Contains(got, "so the host is up. Possible reasons: a firewall rejects this port.") {
			t.Errorf("the hint is %q", got)
		}
	})
}

// A port that answered and does not any more proves nothing about the host.
func TestPortThatFellSilentProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := portNetwork{993: os.ErrDeadlineExceeded, 143: nil}
		prober := New(Options{Dial: network.dial})
		network.hint(t, prober, 143)
		network[143] = os.ErrDeadlineExceeded
		network.hint(t, prober, 143)
		if got := network.hint(t, prober, 993); strings.Contains(got, "answered") {
			t.Errorf("the hint is %q", got)
		}
	})
}

// What took most of the timeout is named by whatever ran out of it.
func TestSlowWay(t *testing.T) {
	for _, test := range []struct {
		name             string
		dns, connect     time.Duration
		want, hint, lack string
	}{
		{"slow to connect", 0, 6 * time.Second, "down greeting/timeout", "Connecting alone took 6.0 s of the timeout of 10s: the network is slow", "resolver"},
		{"quick to connect", 0, 4 * time.Second, "down greeting/timeout", "says nothing", "alone took"},
		{"slow to resolve", 7 * time.Second, time.Second, "down greeting/timeout", "Looking up the name alone took 7.0 s", "Connecting alone"},
		{"slow to resolve, no connection", 7 * time.Second, time.Hour, "down connect/timeout", "Looking up the name alone took 7.0 s", "Connecting alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				prober := New(Options{
					Resolver: recordServer{"ip4": {after: test.dns, ips: []string{"192.0.2.1"}}, "ip6": {}},
					Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
						select {
						case <-time.After(test.connect):
							return portNetwork{}.dial(ctx, network, address)
						case <-ctx.Done():
							return nil, ctx.Err()
						}
					},
				})
				r := prober.judged(t.Context(), "check", config.Probe{Hostname: "mail.example.org", Port: 143, Security: config.Plain, Timeout: 10 * time.Second})
				got := worstOf(r).Hint
				if inWords(r, false) != test.want || !strings.Contains(got, test.hint) || strings.Contains(got, test.lack) {
					t.Errorf("%s: %q", inWords(r, false), got)
				}
			})
		})
	}
}

// A reset may come so soon that connecting fails with it; the diagnosis is the
// same, and it makes no further ones.
func TestResetAtOnce(t *testing.T) {
	for _, test := range []struct {
		name, second string // the script of the second connection; "": reset, too
		want         string
		dials        int
	}{
		{"a TLS port", "tls\nsilence", "down greeting/tls_on_plain_port", 2},
		{"HTTP", "spoken-to\nS: HTTP/1.1 400 Bad Request", "down greeting/not_imap", 2},
		{"a greeting", "S: * OK ready\nsilence", "down greeting/reset", 2},
		{"reset again", "", "down greeting/reset", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.check.Security = config.StartTLS
				b.serve("192.0.2.1", test.second)
				dials := 0
				b.prober.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if dials++; dials == 1 || test.second == "" {
						return nil, syscall.ECONNRESET
					}
					return b.dial(ctx, network, address)
				}
				b.expect(b.probe(), test.want)
				if dials != test.dials {
					t.Errorf("%d connections, want %d", dials, test.dials)
				}
			})
		})
	}
}
