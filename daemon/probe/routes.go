package probe

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
)

// routes knows which families of addresses this machine has ever reached
// anything with. Without one ever, a family is left out: an IPv4-only machine
// says nothing of the IPv6 addresses of a server. With one that was lost, its
// addresses are unknown.
type routes struct {
	leftOut func(family string)
	exists  func(netip.AddrPort) bool // asks the routing table

	mu   sync.Mutex
	had  map[string]bool
	said map[string]bool
}

func family(ip netip.Addr) string {
	if ip.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// noteWorking notes that a connection left this machine.
func (r *routes) noteWorking(ip netip.Addr) {
	if ip.IsLoopback() {
		return // says nothing about routes
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.had == nil {
		r.had = map[string]bool{}
	}
	r.had[family(ip)] = true
}

// neverHadRoute reports whether the family never had a route here, and says so once.
func (r *routes) neverHadRoute(ip netip.Addr) bool {
	name := family(ip)
	r.mu.Lock()
	had, said := r.had[name], r.said[name]
	if !had && !said {
		if r.said == nil {
			r.said = map[string]bool{}
		}
		r.said[name] = true
	}
	r.mu.Unlock()
	// Told without the lock, which LeftOut takes as well.
	if !had && !said && r.leftOut != nil {
		r.leftOut(name)
	}
	return !had
}

// LeftOut returns the families of addresses, "IPv4" or "IPv6", that this machine has had no route
// for since the Prober was made, and that some check wants. They are left out of results.
func (p *Prober) LeftOut() (families []string) {
	r := &p.routes
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.said {
		if !r.had[name] {
			families = append(families, name)
		}
	}
	slices.Sort(families)
	return families
}

// hasLostRoute reports whether err is this machine's own lack of a route to the
// target, and not a router's word on the way to it.
func (r *routes) hasLostRoute(err error, target netip.AddrPort) bool {
	for _, errno := range []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT} {
		if errors.Is(err, errno) {
			// A router on the way may cause the same error (ICMP); only the routing table tells.
			return !r.exists(target)
		}
	}
	return false
}

// hasRoute asks the routing table: connecting a UDP socket looks up the route
// and sends nothing.
func hasRoute(target netip.AddrPort) bool {
	conn, err := net.Dial("udp", target.String())
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
