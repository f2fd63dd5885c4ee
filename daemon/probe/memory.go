package probe

import (
	"hash/maphash"
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

// past is what was learned of one check. There may be 100,000 of them, so that
// what most checks do not need hangs on a pointer.
type past struct {
	mu    sync.Mutex
	about uint64 // hashes of the target and of the login that this is about
	login uint64
	used  time.Time

	edited bool // it is about another target or login than in the last probe

	failing  map[netip.Addr]time.Time // with when DNS last had them
	shown    []shown                  // the certificates, by address
	differ   bool                     // the addresses showed different ones
	alert    string                   // the last [ALERT]
	logins   *logins                  // nil without a login
	opened   bool                     // the login's mailbox could be opened
	certless bool                     // the server asks for a client certificate and gets on without
	hellos   []hello                  // addresses whose handshakes fail, or need a small ClientHello

	greeted bool // in clear text, on this port
}

// shown is the certificate that an address showed last.
type shown struct {
	ip    netip.Addr
	print fingerprint
}

// target is what a check is about: another target has another past.
type target struct {
	host      string
	port      uint16
	addresses config.AddressPolicy
}

// aboutOf returns a hash of what a check is about.
func aboutOf(check config.Probe) uint64 {
	return maphash.Comparable(hashing, target{check.Hostname, check.Port, check.Addresses})
}

// pastOf returns the past of a check, empty where there is none or the check is about something
// else now.
func (m *memory) pastOf(id config.CheckID, check config.Probe, now time.Time) *past {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweepUnused(now)
	about := aboutOf(check)
	p := m.checks[id]
	if p == nil || p.about != about {
		// A changed target may end the wait of the account's logins, as a changed password does.
		p = &past{about: about, edited: p != nil}
		if m.checks == nil {
			m.checks = map[config.CheckID]*past{}
		}
		m.checks[id] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = now
	p.forLogin(check.Login)
	return p
}

// hashing is another one in each process; a memory does not outlive it.
var hashing = maphash.MakeSeed()

// forLogin forgets what was learned of another login. p.mu is held.
func (p *past) forLogin(login config.Login) {
	if login == (config.Login{}) {
		p.login, p.logins, p.opened = 0, nil, false
		return
	}
	if hash := maphash.Comparable(hashing, login); p.logins == nil || p.login != hash {
		p.edited = p.edited || p.logins != nil
		p.login, p.logins, p.opened = hash, &logins{}, false
	}
}

// sweepUnused forgets checks that are gone, once an hour.
func (m *memory) sweepUnused(now time.Time) {
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
