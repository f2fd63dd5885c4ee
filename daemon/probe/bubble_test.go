package probe

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
)

// A bubble is a network in virtual time: every address is a script behind
// net.Pipe, or dead. It is for what a Prober remembers between probes.
type bubble struct {
	t      *testing.T
	certs  *imaptest.Certificates
	prober *Prober
	check  config.Probe

	dns     []string // the addresses of the name
	servers map[string]*imaptest.Server
	said    strings.Builder
}

func inBubble(t *testing.T, run func(*bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, certs: imaptest.NewCertificates(), servers: map[string]*imaptest.Server{}}
		b.prober = New(Options{Resolver: b, Dial: b.dial, Roots: b.certs.Authority.Pool(), Transcript: writeTo(&b.said)})
		b.check = config.Probe{
			Hostname: "localhost", Port: 993, Security: config.TLSFromStart, Addresses: config.AllAddresses,
			Interval: time.Minute, Timeout: 30 * time.Second,
		}
		defer b.close()
		run(b)
	})
}

func (b *bubble) close() {
	for _, s := range b.servers {
		s.Close()
	}
}

// serve puts a script at an address, and the address into DNS.
func (b *bubble) serve(ip, script string) *imaptest.Server {
	if old := b.servers[ip]; old != nil {
		old.Close()
	}
	b.servers[ip] = imaptest.New(imaptest.MustParse(script), b.certs)
	b.resolveTo(append(b.dns, ip)...)
	return b.servers[ip]
}

func (b *bubble) kill(ip string) {
	b.servers[ip].Close()
	delete(b.servers, ip)
}

func (b *bubble) resolveTo(ips ...string) {
	b.dns = nil
	seen := map[string]bool{}
	for _, ip := range ips {
		if !seen[ip] {
			b.dns = append(b.dns, ip)
		}
		seen[ip] = true
	}
}

func (b *bubble) LookupNetIP(context.Context, string, string) (found []netip.Addr, _ error) {
	for _, ip := range b.dns {
		found = append(found, netip.MustParseAddr(ip))
	}
	return found, nil
}

func (b *bubble) dial(_ context.Context, _, address string) (net.Conn, error) {
	server := b.servers[netip.MustParseAddrPort(address).Addr().String()]
	if server == nil {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	server.Talk(far)
	return near, nil
}

func (b *bubble) login(l config.Login) {
	b.check.Login = l
	if l.Password.IsZero() {
		b.check.Login.Password = opaque.NewSecret(secret)
	}
}

func (b *bubble) probe() incident.Result {
	return b.prober.judged(b.t.Context(), "check", b.check)
}

// probeAfter waits and probes.
func (b *bubble) probeAfter(d time.Duration) incident.Result {
	time.Sleep(d)
	return b.probe()
}

func (b *bubble) expect(r incident.Result, want string) {
	b.t.Helper()
	if got := inWords(r, strings.Count(want, " ") > 1); got != want {
		worst, _ := r.Worst()
		b.t.Errorf("after %v: got %q, want %q (%s)", time.Since(epoch), got, want, worst.Hint)
	}
	checkWords(b.t, r)
}

// epoch is when every bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// logins is how often an address was logged in to.
func (b *bubble) logins(ip string) (n int) {
	for _, command := range b.servers[ip].Commands() {
		if strings.HasPrefix(command, "LOGIN") || strings.HasPrefix(command, "AUTHENTICATE") {
			n++
		}
	}
	return n
}

const (
	polite  = "tls\nS: * OK ready\nserve"
	rejects = "tls\nS: * OK ready\nuntil LOGIN *\nS: $tag NO [AUTHENTICATIONFAILED] no\nserve"
)
