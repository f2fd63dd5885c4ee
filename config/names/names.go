// Package names says what a host name that stands in a file means in DNS.
//
// A name with a dot in it is absolute: it is asked as it is, with the final dot
// (RFC 1034 section 3.1), and the search list of /etc/resolv.conf is not
// applied. Else a name that is gone would be looked for below the search domain,
// and where that has a wildcard another host would be watched, or told. Only a
// name without any dot uses the search list, as resolv.conf(5) describes it.
//
// The package owns that rule, what a host may look like ([Host]), and the ways to look up
// and to dial by it. What it
// is given and what it gives never has a final dot that a TLS session or a
// message would show: that dot is for the resolver alone.
package names

import (
	"context"
	"net"
	"net/netip"
	"strings"
)

// Absolute returns a host as a resolver is to be asked for it: a DNS name with a dot in
// it gets the final dot, anything else is returned as it is.
func Absolute(host string) string {
	// An IPv4 address has dots in it, too.
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".") {
		return host
	}
	return host + "."
}

// Relative reports whether the search list decides which host a name means.
// localhost is the machine itself everywhere (RFC 6761 section 6.3).
func Relative(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && host != "" && !strings.Contains(host, ".") && !strings.EqualFold(host, "localhost")
}

// system is Go's own resolver, also where the program is linked against the C
// library: that one does not find a name with a final dot in /etc/hosts.
var system = &net.Resolver{PreferGo: true}

// A Resolver looks up names by the rule of this package, with the system's
// configuration. The zero value works.
type Resolver struct{}

// LookupNetIP is [net.Resolver.LookupNetIP] for a host as files have it.
func (Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return system.LookupNetIP(ctx, network, Absolute(host))
}

// DialContext is [net.Dialer.DialContext] for an address, host:port, whose host
// is as files have it. It is made for [net/http.Transport].
func DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	// What cannot be split is left to the dialer, whose error says what is wrong.
	if host, port, err := net.SplitHostPort(address); err == nil {
		address = net.JoinHostPort(Absolute(host), port)
	}
	return (&net.Dialer{Resolver: system}).DialContext(ctx, network, address)
}

// IsLoopback reports whether a host is this machine itself: a loopback address, or
// localhost (RFC 6761 section 6.3). It looks nothing up.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || strings.EqualFold(host, "localhost")
}
