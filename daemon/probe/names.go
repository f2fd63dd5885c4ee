package probe

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// nameMismatch returns the failure of a certificate that is not for the server's name, and says for
// whom it is.
func (id identity) nameMismatch(leaf *x509.Certificate) *failure {
	host, all := id.host, len(leaf.DNSNames)+len(leaf.IPAddresses)
	_, address := addressOf(host)
	offer := ""
	if address && id.tls.ServerName == "" {
		offer = " If clients connect by a name in the certificate, set tls.server_name to it."
	}
	named := listed(namesOf(leaf), all)
	hint := fmt.Sprintf("The certificate is for %s, not for %s.", named, host)
	switch common := clean(leaf.Subject.CommonName); {
	case all == 0 && common != "":
		hint += fmt.Sprintf(" It has only the common name %s, which clients ignore (RFC 9525 section 2); get one with %s as a subject alternative name.", quoted(common), host)
	case address && slices.Contains(leaf.DNSNames, host):
		hint = fmt.Sprintf("The certificate has %s as a DNS name; clients look for an address only among its IP addresses (RFC 5280 section 4.2.1.6). Get one that lists it there.", host)
		if all > 1 {
			hint += offer
		}
	case address && len(leaf.DNSNames) > 0:
		hint = fmt.Sprintf("The certificate is for %s, not for the address %s.%s", named, host, offer)
	case id.tls.ServerName != "":
		hint = fmt.Sprintf("The certificate is for %s, not for %s, which tls.server_name asks for.", named, host)
	}
	if slices.ContainsFunc(leaf.DNSNames, func(name string) bool { return wildcardAbove(name, host) }) {
		hint += " A wildcard covers exactly one label."
	}
	return id.fail(config.CauseNameMismatch, hint)
}

// wildcardAbove reports whether a wildcard is for names nearer to the root of the
// DNS than a host, or for the host's own subdomains.
func wildcardAbove(pattern, host string) bool {
	domain, wildcard := strings.CutPrefix(strings.ToLower(pattern), "*.")
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return wildcard && (host == domain || strings.HasSuffix(host, "."+domain))
}

// addressOf parses a host that is an address, and returns it without its zone.
func addressOf(host string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(host)
	return ip.WithZone(""), err == nil
}

// unknownName returns the failure of a server that refuses the name that clients ask for in the
// handshake (SNI, RFC 6066 section 3), or that there was none.
func (c *conversation) unknownName() *failure {
	hint := "The server says that it does not know the name " + c.serverName() + " (SNI)."
	if !c.sentName() {
		hint = "The server requires a name (SNI), and clients send none when they connect to an address. Set tls.server_name."
	}
	return c.fail(config.CauseNameMismatch, hint)
}

// sentName reports whether the ClientHello has a server name: addresses are never
// sent (RFC 6066 section 3).
func (c *conversation) sentName() bool {
	_, address := addressOf(c.serverName())
	return !address
}
