package selfcheck_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A fakeNetwork is servers, and this machine among them with its uplink, its resolver
// and its clocks. All of it can break.
type fakeNetwork struct {
	mu       sync.Mutex
	hosts    map[string]*host // by name
	uplink   map[string]bool  // by family: "ip4", "ip6"; is it there?
	resolver bool
	wall     time.Duration // the clock on the wall is off by this
	slept    time.Duration // the machine was suspended for so long
	asked    []string      // by the self-check
	dark     []netip.Addr  // addresses that do not answer
}

// A host is a server.
type host struct {
	ips      []netip.Addr
	state    string // "well", "dead", "refusing", "dumb" (connects and says nothing)
	nameless bool   // its zone does not answer
	gone     bool   // there is no such name
	issued   time.Time
	expires  time.Time
}

func newFakeNetwork() *fakeNetwork {
	return &fakeNetwork{
		hosts: map[string]*host{}, uplink: map[string]bool{"ip4": true, "ip6": true}, resolver: true,
	}
}

func (w *fakeNetwork) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.wall + w.slept)
}

func (w *fakeNetwork) boot() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(dawn) + w.slept
}

// dawn is when bubbles begin.
var dawn = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is what the daemon reads of these clocks.
func (w *fakeNetwork) clock() func() clock.Reading {
	return clock.New(clock.Options{Wall: w.now, Boot: w.boot}).Read
}

func (w *fakeNetwork) hostAt(ip netip.Addr) *host {
	for _, h := range w.hosts {
		if slices.Contains(h.ips, ip) {
			return h
		}
	}
	return nil
}

var (
	errTimeout     = &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	errRefused     = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errResolver    = &net.DNSError{Err: "no answer", IsTimeout: true}
	errNoSuchHost  = &net.DNSError{Err: "no such host", IsNotFound: true}
	errZoneSilent  = &net.DNSError{Err: "server misbehaving"}
	errInterrupted = errors.New("interrupted")
)

// connect is what becomes of a connection to an address; how long it takes is
// the caller's business.
func (w *fakeNetwork) connect(ip netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hostAt(ip)
	switch {
	case !ip.IsLoopback() && !w.uplink[familyOf(ip)], h == nil, h.state == "dead", slices.Contains(w.dark, ip):
		return errTimeout
	case h.state == "refusing":
		return errRefused
	}
	return nil
}

func familyOf(ip netip.Addr) string {
	if ip.Is4() {
		return "ip4"
	}
	return "ip6"
}

// Dial is the self-check's.
func (w *fakeNetwork) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	target := netip.MustParseAddrPort(address)
	w.mu.Lock()
	w.asked = append(w.asked, address)
	w.mu.Unlock()
	if err := w.connect(target.Addr()); errors.Is(err, context.DeadlineExceeded) {
		<-ctx.Done()
		return nil, err
	} else if err != nil {
		return nil, err
	}
	mine, yours := net.Pipe()
	_ = yours.Close()
	return mine, nil
}

// wereAsked are those whom Dial has asked since the last time.
func (w *fakeNetwork) wereAsked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	slices.Sort(asked)
	return slices.Compact(asked)
}

// LookupNetIP is the resolver of everybody.
func (w *fakeNetwork) LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[name]
	switch {
	case ctx.Err() != nil:
		return nil, errInterrupted
	case !w.resolver, !w.uplink["ip4"]:
		return nil, errResolver
	case h == nil || h.gone:
		return nil, errNoSuchHost
	case h.nameless:
		return nil, errZoneSilent
	}
	var found []netip.Addr
	for _, ip := range h.ips {
		if network == "ip" || network == familyOf(ip) {
			found = append(found, ip)
		}
	}
	if len(found) == 0 {
		return nil, errNoSuchHost
	}
	return found, nil
}

// probe is a probe, as daemon/probe would do it, of a name or of a literal
// address. It takes as long as it would in the world.
func (w *fakeNetwork) probe(check string, target string) verdict.Probe {
	p := verdict.Probe{Check: checkID(check), Target: net.JoinHostPort(target, "993"), Started: time.Now()}
	ips, failure := w.lookUp(target)
	if failure != nil {
		p.Conversations = []verdict.Conversation{{Failure: failure}}
		p.Ended = time.Now()
		return p
	}
	var took time.Duration
	for _, ip := range ips {
		c, t := w.converse(ip)
		p.Conversations = append(p.Conversations, c)
		took = max(took, t)
	}
	time.Sleep(took)
	p.Ended = time.Now()
	for i := range p.Conversations {
		w.judgeExpiry(&p.Conversations[i])
	}
	return p
}

func (w *fakeNetwork) lookUp(target string) ([]netip.Addr, *incident.Finding) {
	if ip, err := netip.ParseAddr(target); err == nil {
		return []netip.Addr{ip}, nil
	}
	ips, err := w.LookupNetIP(context.Background(), "ip", target)
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		time.Sleep(20 * time.Millisecond)
		return ips, nil
	}
	f := down(config.PhaseDNS, config.CauseDNSFailure)
	switch {
	case dns.IsNotFound:
		f.Cause = config.CauseNoSuchName
	case dns.IsTimeout:
		f.Cause = config.CauseTimeout
		time.Sleep(10 * time.Second)
	}
	return nil, f
}

func down(phase config.Phase, cause config.Cause) *incident.Finding {
	return &incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: phase, Cause: cause}
}

func (w *fakeNetwork) converse(ip netip.Addr) (c verdict.Conversation, took time.Duration) {
	c = verdict.Conversation{InDNS: true, Address: incident.Address{IP: ip, Port: 993}}
	a := &c.Address
	a.Timings[config.PhaseDNS] = 20 * time.Millisecond
	a.Timings[config.PhaseConnect] = 30 * time.Millisecond
	took = 200 * time.Millisecond
	err := w.connect(ip)
	w.mu.Lock()
	h := w.hostAt(ip)
	w.mu.Unlock()
	now := w.now()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		c.Failure = down(config.PhaseConnect, config.CauseRefused)
	case err != nil:
		c.Failure = down(config.PhaseConnect, config.CauseTimeout)
		took, a.Timings[config.PhaseConnect] = 10*time.Second, 10*time.Second
	case h.state == "dumb":
		c.Failure = down(config.PhaseGreeting, config.CauseTimeout)
		took = 30 * time.Second
	default:
		a.TLS = &incident.TLSInfo{SHA256: ip.String(), NotBefore: h.issued, NotAfter: h.expires}
		switch {
		case now.After(h.expires):
			c.Failure = down(config.PhaseTLS, config.CauseCertExpired)
		case now.Before(h.issued):
			c.Failure = down(config.PhaseTLS, config.CauseCertNotYetValid)
		default:
			c.Verified = true
		}
	}
	return c, took
}

// judgeExpiry is the warning of 14 days.
func (w *fakeNetwork) judgeExpiry(c *verdict.Conversation) {
	if c.Failure == nil && c.Address.TLS.NotAfter.Sub(w.now()) < 14*24*time.Hour {
		c.Findings = []incident.Finding{{
			Condition: config.ConditionCertificate, Health: incident.Degraded, Phase: config.PhaseTLS, Cause: config.CauseCertExpiresSoon,
		}}
	}
}
