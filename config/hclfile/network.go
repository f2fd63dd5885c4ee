package hclfile

import (
	"fmt"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// network is an address, or a network with its length; the value has a length.
var network = kind{name: "network", read: func(r *reading) (value, bool) {
	v, ok := networkText.read(r)
	if ok {
		v.text = prefixOf(v.text).String()
	}
	return v, ok
}}

var networkText = textJudged("network", ruleNetwork, func(text string) complaint {
	const form = "A network is an address, or an address and a length: \"127.0.0.1\", \"10.0.0.0/28\", \"2001:db8::/64\"."
	p := prefixOf(text)
	switch {
	case !p.IsValid():
		return plainly(form)
	case p.Bits() == 0:
		return plainly("This is every address there is, so anybody could claim to be anybody. Write the addresses of the proxy.")
	case p != p.Masked():
		return complaint{fmt.Sprintf("The address has more digits than its length says. Write %q or %q.", p.Masked(), p.Addr()), form}
	}
	return complaint{}
})

// prefixOf returns the network that a text means; invalid where it means none.
func prefixOf(text string) netip.Prefix {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	p, _ := netip.ParsePrefix(text)
	return p
}

// headersInUse are headers with a meaning of their own.
var headersInUse = []string{"Authorization", "Cookie", "Host", "Origin", "Content-Length", "Content-Type", "Connection", "Transfer-Encoding"}

// headerName is the name of a header of HTTP (RFC 9110 section 5.1), in the usual letters.
var headerName = kind{name: "header", read: func(r *reading) (value, bool) {
	v, ok := headerText.read(r)
	v.text = textproto.CanonicalMIMEHeaderKey(v.text)
	return v, ok
}}

// headerOrNone may also be "", which switches off.
var headerOrNone = kind{name: "header", bounds: `"" for none`, read: func(r *reading) (value, bool) {
	if v, ok := r.str(); ok && v.text == "" {
		return v, true
	}
	return headerName.read(r)
}}

var headerText = textWith("header", ruleHeader, func(text string) string {
	const others = "!#$%&'*+-.^_`|~"
	unfit := func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune(others, c)
	}
	switch {
	case strings.ContainsFunc(text, unfit):
		return "The name of a header has letters, digits and hyphens, like \"Remote-User\"."
	case slices.Contains(headersInUse, textproto.CanonicalMIMEHeaderKey(text)):
		return "This header has another meaning. Use one like \"Remote-User\"."
	}
	return ""
})
