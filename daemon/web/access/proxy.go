package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// trusts reports whether an address is that of a trusted proxy.
func (r *rules) trusts(peer netip.Addr) bool {
	return slices.ContainsFunc(r.page.TrustedProxy.From, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// takeProxyUser takes the headers of a trusted proxy out of a request, and returns whom they
// name. From others they are only taken out.
func (r *rules) takeProxyUser(request *http.Request) (u user, isNamed bool) {
	proxy := r.page.TrustedProxy
	if len(proxy.From) == 0 || proxy.UserHeader == "" {
		return u, false
	}
	names := takeHeader(request.Header, proxy.UserHeader)
	var groups []string
	if proxy.GroupsHeader != "" {
		groups = takeHeader(request.Header, proxy.GroupsHeader)
	}
	// A name that stands there twice is the proxy's and one that a client has added.
	if !r.trusts(peerOf(request)) || len(names) != 1 || strings.TrimSpace(names[0]) == "" {
		return u, false
	}
	return user{strings.TrimSpace(names[0]), splitGroups(groups)}, true
}

// takeHeader takes all values of a header out. Servers between us and the client may take an
// underscore for a dash (CGI does), so that spelling goes, too.
func takeHeader(h http.Header, name string) (values []string) {
	values = h.Values(name)
	for spelling := range h {
		if strings.EqualFold(strings.ReplaceAll(spelling, "_", "-"), strings.ReplaceAll(name, "_", "-")) {
			delete(h, spelling)
		}
	}
	return values
}

// splitGroups splits what proxies write: "a,b" (Authelia, oauth2-proxy) or "a|b" (Authentik).
func splitGroups(values []string) (groups []string) {
	for _, v := range values {
		for g := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == '|' }) {
			if g = strings.TrimSpace(g); g != "" {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

// lastForwarded returns the last address in X-Forwarded-For that is no trusted proxy: those
// before it are what the client says.
func lastForwarded(values []string, trusts func(netip.Addr) bool, peer netip.Addr) netip.Addr {
	parts := strings.Split(strings.Join(values, ","), ",")
	for _, part := range slices.Backward(parts) {
		a, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			return peer
		}
		if a = a.Unmap().WithZone(""); !trusts(a) {
			return a
		}
		peer = a
	}
	return peer
}
