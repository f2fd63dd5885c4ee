package probe

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A PhaseEnd is a phase of a conversation that is over.
type PhaseEnd struct {
	IP    netip.Addr // zero: the name was looked up, for all addresses
	Phase config.Phase
	Took  time.Duration
	OK    bool // else the conversation ends with it, or goes to its logout
}

// A Trial is how a probe is made that does not count.
type Trial struct {
	// OnPhase hears of each phase as it ends. It is called by several goroutines at once, and must
	// not wait; nil: nobody hears of them.
	OnPhase func(PhaseEnd)
	// OnLine gets every line of every conversation, redacted, on the same terms.
	OnLine func(Line)
	// Retry logs in however often the login was rejected before: a person asks for it.
	Retry bool
}

// Try probes as Probe does, and leaves no trace in what is known of the check: the next probe is as
// if this one had not been. It logs in where the check has a login, also if none is due. Only
// what servers count is remembered: how often an account was rejected, and who is logged in. It may
// run beside a probe of the same check.
func (p *Prober) Try(ctx context.Context, id config.CheckID, check config.Probe, t Trial) verdict.Probe {
	fillDefaults(&check)
	return p.probe(ctx, id, check, &t)
}

// copyOf returns a copy of what is known of a check; see pastOf.
func (m *memory) copyOf(id config.CheckID, check config.Probe) *past {
	m.mu.Lock()
	known := m.checks[id]
	m.mu.Unlock()
	about := aboutOf(check)
	c := &past{about: about}
	if known != nil && known.about == about {
		known.mu.Lock()
		defer known.mu.Unlock()
		c = known.clone()
	}
	c.forLogin(check.Login)
	c.edited = false // it is for the next probe that counts to say so
	return c
}

// clone returns a copy that shares nothing. p.mu is held.
func (p *past) clone() *past {
	c := &past{
		about: p.about, login: p.login, used: p.used, failing: maps.Clone(p.failing), shown: slices.Clone(p.shown), differ: p.differ,
		opened: p.opened, certless: p.certless, hellos: slices.Clone(p.hellos), greeted: p.greeted,
	}
	if p.logins != nil {
		l := *p.logins
		l.waiting, l.at = false, make(map[netip.Addr]*loginState, len(p.logins.at))
		for ip, s := range p.logins.at {
			state := *s
			l.at[ip] = &state
		}
		c.logins = &l
	}
	return c
}

// keepPlace puts the check back into the queue of its account after a trial, if it stood there, or
// takes it out.
func (r *round) keepPlace() {
	r.past.mu.Lock()
	hasLogin := r.past.logins != nil
	r.past.mu.Unlock()
	if !hasLogin {
		return
	}
	p := r.prober
	p.memory.mu.Lock()
	counted := p.memory.checks[r.id]
	p.memory.mu.Unlock()
	if counted != nil {
		counted.mu.Lock()
		defer counted.mu.Unlock()
		if counted.logins != nil && counted.logins.waiting {
			own := *r
			own.past = counted
			p.accounts.queueUp(own.claim(netip.Addr{}))
			return
		}
	}
	p.accounts.leaveQueue(accountOf(r.check), r.id)
}

// tellLookup tells whoever watches a trial that the name was looked up. An address that is written
// in the files is not.
func (r *round) tellLookup(failed bool) {
	if _, err := netip.ParseAddr(r.check.Hostname); err != nil {
		r.tellPhase(netip.Addr{}, config.PhaseDNS, r.dns, failed)
	}
}

// tellPhase tells whoever watches the trial that a phase is over. There must be one.
func (r *round) tellPhase(ip netip.Addr, phase config.Phase, took time.Duration, failed bool) {
	if r.trial.OnPhase != nil {
		r.trial.OnPhase(PhaseEnd{ip, phase, took, !failed})
	}
}
