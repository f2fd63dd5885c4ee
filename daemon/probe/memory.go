package probe

import (
	"net/netip"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const (
	withdrawnAfter = 10 * time.Minute // a failing address gone from DNS this long is forgotten
	forgottenAfter = 48 * time.Hour   // what was learned of a check that is not probed any more; twice the longest interval
)

// A memory is what a Prober keeps between the probes of each check. It survives
// a reload that restarts the check's loop, as far as it is about things that
// the reload left alone.
type memory struct {
	mu     sync.Mutex
	checks map[config.CheckID]*past
	swept  time.Time
}

// past is what was learned of one check.
type past struct {
	mu     sync.Mutex
	target target
	login  config.Login
	used   time.Time

	// failing addresses, with when DNS last had them.
	failing map[netip.Addr]time.Time
	// seen are the certificates by address, and what was last said of them.
	seen    map[netip.Addr]fingerprint
	differ  bool
	alert   string
	account account
}

// target is what a check is about: another target has another past.
type target struct {
	host      string
	port      uint16
	addresses config.AddressPolicy
}

// of gives the past of a check, empty where there is none or the check is about
// something else now.
func (m *memory) of(id config.CheckID, check config.Probe, now time.Time) *past {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	p, about := m.checks[id], target{check.Hostname, check.Port, check.Addresses}
	if p == nil || p.target != about {
		p = &past{target: about, login: check.Login}
		if m.checks == nil {
			m.checks = map[config.CheckID]*past{}
		}
		m.checks[id] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = now
	if p.login != check.Login {
		p.login, p.account = check.Login, account{}
	}
	return p
}

// sweep forgets checks that are gone, once an hour.
func (m *memory) sweep(now time.Time) {
	if now.Sub(m.swept) < time.Hour {
		return
	}
	m.swept = now
	for id, p := range m.checks {
		p.mu.Lock()
		if now.Sub(p.used) > forgottenAfter {
			delete(m.checks, id)
		}
		p.mu.Unlock()
	}
}
