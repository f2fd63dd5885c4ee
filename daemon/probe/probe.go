// Package probe holds one IMAP conversation after another: [Prober.Probe] turns
// one check into one [verdict.Probe], which daemon/verdict judges, and [Loop]
// repeats it at the check's pace.
//
// It owns everything between the resolver and LOGOUT: dialling every address by
// itself, greeting, STARTTLS, verification, login, and what each failure is
// called. It never decides whether a failure is an incident, never tells
// anybody, and never sends a password before TLS is verified. There is no way to
// skip verification: a pinned key stands for the issuer of a certificate, never
// for its name or its dates.
//
// A caller may rely on this: a probe ends by its timeout plus 250 ms whatever
// the server does, reads at most 256 KiB from each address, leaves no goroutine
// and no descriptor behind, does not panic, and says "unknown" when the fault is
// this machine's.
package probe

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// Options are what a Prober needs from outside. The zero value works.
type Options struct {
	// Node is the name of this machine in results.
	Node string
	// Version is what RFC 2971 ID says beside the name.
	Version string
	// Resolver looks up names; nil: Go's own resolver with the system's
	// configuration.
	Resolver Resolver
	// Dial opens a connection to a literal address; nil: TCP as the system
	// does it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are trusted where a check names no ca_file; nil: the system's.
	Roots *x509.CertPool
	// Tokens fetches OAuth tokens; nil: a client of its own that keeps no
	// connection open.
	Tokens *http.Client
	// Now is the clock that certificates are judged by; nil: time.Now.
	Now func() time.Time
	// NoRoute is told once for "IPv4" or "IPv6" when this machine has no route
	// for the family and its addresses are left out; nil: nobody is told.
	NoRoute func(family string)
	// Descriptors is how many files probes may have open at once, where Resolver and
	// Dial are the system's; 0: as many as there are.
	Descriptors int
	// Watch says how late this process is, and what befell its clocks; nil: it is
	// taken to be in time, and they to be right.
	Watch *clock.Watch
	// Transcript gets every line of every conversation, redacted. It is called
	// by several goroutines at once; nil: no transcript.
	Transcript func(Line)
	// LoginTurn is told of a check whose login had to wait for another session of
	// its account, when its turn has come: it is to be probed then. nil: nobody is
	// told, and the check logs in when a probe of its own finds its turn free.
	LoginTurn func(config.CheckID)
}

// A Prober probes. Its methods may be called by several goroutines at once.
type Prober struct {
	node       string
	version    string
	tag        string // how tags begin; nobody can foresee it, and so answer before he is asked
	resolver   Resolver
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
	now        func() time.Time
	transcript func(Line)
	hold       func(*conversation) error // a conversation, once it has an address: (*conversation).run

	watch    *clock.Watch
	memory   memory
	routes   routes
	reached  reached
	trust    trust
	accounts accounts
	tokens   tokens

	descriptors allowance
}

// New makes a Prober.
func New(o Options) *Prober {
	p := &Prober{
		node: o.Node, version: o.Version, tag: "V" + rand.Text()[:6] + "-", resolver: o.Resolver, dial: o.Dial,
		now: o.Now, transcript: o.Transcript, watch: o.Watch, hold: (*conversation).runPhases,
		routes: routes{leftOut: o.NoRoute, exists: hasRoute}, trust: trust{roots: o.Roots}, tokens: tokens{client: o.Tokens},
		accounts: accounts{call: o.LoginTurn},
	}
	p.descriptors.most = int64(max(0, o.Descriptors))
	if p.dial == nil {
		p.dial = p.descriptors.dial
	}
	if p.resolver == nil {
		p.resolver = countedResolver{resolver{dialer.DialContext}, &p.descriptors}
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// Probe resolves the check's name, talks to every address that it wants, side
// by side, and sums up. It ends by p.Timeout + 250 ms. When ctx is cancelled it
// returns at once, and its result means nothing. The same check is not to be
// probed twice at a time.
func (p *Prober) Probe(ctx context.Context, id config.CheckID, check config.Probe) verdict.Probe {
	fillDefaults(&check)
	return p.probe(ctx, id, check, nil)
}

// probe probes a check that lacks nothing; trial is nil for a probe that counts.
func (p *Prober) probe(ctx context.Context, id config.CheckID, check config.Probe, trial *Trial) verdict.Probe {
	// Asked before and after: the clock may jump while the probe runs.
	trusted := p.clockTrusted()
	span := p.watch.Begin() // before the time of the probe begins, so that no delay of it is missed
	defer span.End()
	r := &round{span: span, prober: p, id: id, check: check, trial: trial, started: time.Now(), redact: newRedactor(check.Login)}
	r.deadline = r.started.Add(check.Timeout)
	if trial == nil {
		r.past = p.memory.pastOf(id, check, r.started)
	} else {
		r.past = p.memory.copyOf(id, check)
		defer r.keepPlace()
	}
	r.useAccount()
	probed := r.probeAddresses(ctx)
	if trusted = p.clockTrusted() && trusted; !trusted {
		return distrust(&check, probed)
	}
	return probed
}

// filled returns the check with its defaults: itself, if it has them all.
func filled(check *config.Probe) *config.Probe {
	if check.Interval > 0 && check.Timeout > 0 && check.RetryInterval > 0 {
		return check
	}
	whole := *check
	fillDefaults(&whole)
	return &whole
}

// fillDefaults fills what a Probe made by hand may lack; config/hclfile leaves
// nothing out.
func fillDefaults(check *config.Probe) {
	if check.Interval <= 0 {
		check.Interval = time.Minute
	}
	if check.Timeout <= 0 {
		check.Timeout = min(30*time.Second, check.Interval)
	}
	if check.RetryInterval <= 0 {
		check.RetryInterval = min(15*time.Second, check.Interval)
	}
}

func port(target netip.AddrPort) string { return strconv.Itoa(int(target.Port())) }
