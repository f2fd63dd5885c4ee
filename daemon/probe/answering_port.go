package probe

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// reachedFor is how long it counts that a port answered. Older answers say little
// about the host of now.
const reachedFor = 2 * time.Minute

// reached knows which port of an address answered last, by taking a connection or
// by refusing it, so that a firewall before one port can be told from a host that
// is down. What is older than two generations of two minutes is forgotten.
type reached struct {
	mu     sync.Mutex
	turned time.Time
	recent map[netip.Addr]reachedPort
	older  map[netip.Addr]reachedPort
}

type reachedPort struct {
	port uint16
	at   time.Time
}

// noteAnswer notes that a port has just answered.
func (r *reached) noteAnswer(target netip.AddrPort) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recent == nil || now.Sub(r.turned) > reachedFor {
		// Whole generations are dropped, so that no walk over the addresses is needed to forget
		// some.
		r.recent, r.older, r.turned = map[netip.Addr]reachedPort{}, r.recent, now
	}
	r.recent[target.Addr()] = reachedPort{target.Port(), now}
}

// noteSilence notes that a port does not answer any more.
func (r *reached) noteSilence(target netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ports := range []map[netip.Addr]reachedPort{r.recent, r.older} {
		if ports[target.Addr()].port == target.Port() {
			delete(ports, target.Addr())
		}
	}
}

// otherPort returns a remark about another port of the same address that answered within two
// minutes; "" when none is known.
func (r *reached) otherPort(target netip.AddrPort) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ports := range []map[netip.Addr]reachedPort{r.recent, r.older} {
		other, known := ports[target.Addr()]
		if ago := time.Since(other.at); known && other.port != target.Port() && ago <= reachedFor {
			return fmt.Sprintf(" Port %d of the same address answered %.0f s ago, so the host is up.", other.port, ago.Seconds())
		}
	}
	return ""
}
