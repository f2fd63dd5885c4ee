package hclfile

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// Hostname holds a host that was not written in a file to the rules of those
// that are: it gives an IP address as it is and a DNS name in ASCII (RFC 5891).
// The error says what to write instead.
func Hostname(text string) (string, error) {
	ascii, complaint := hostOf(text)
	if complaint != "" {
		return "", errors.New(complaint)
	}
	return ascii, nil
}

func hostOf(text string) (ascii, complaint string) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, ""
	}
	if complaint := notAHost(text); complaint != "" {
		return "", complaint
	}
	name := strings.TrimSuffix(text, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil && isASCII(name) {
		ascii, err = name, nil // a name with an underscore is none for idna, and exists
	}
	if complaint := notADNSName(ascii); complaint != "" {
		return "", complaint
	}
	if err != nil {
		return "", "This is no internationalised DNS name (RFC 5891)."
	}
	return ascii, ""
}

// notAHost recognises what people write in the place of a host.
func notAHost(text string) string {
	scheme, rest, isURL := strings.Cut(text, "://")
	host, port, err := net.SplitHostPort(text)
	switch {
	case isURL:
		return fmt.Sprintf("Leave out %q: a host is only the name, %q.", scheme+"://", strings.TrimRight(rest, "/"))
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		return "Leave out the brackets: an IPv6 address is written as it is."
	case err == nil && port != "":
		return fmt.Sprintf("The port is an attribute of its own. Write %q here, and port = %s", host, port)
	case strings.ContainsAny(text, " \t"):
		return "A host has no spaces in it."
	}
	return ""
}

var (
	dnsLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	allDigits = regexp.MustCompile(`^[0-9]+$`)
)

// notADNSName holds RFC 1123 section 2.1, with underscores, which exist.
func notADNSName(name string) string {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !dnsLabel.MatchString(label) {
			return "This is neither an IP address nor a DNS name: between dots there are 1 to 63 letters, digits and hyphens."
		}
	}
	switch {
	case len(name) > 253:
		return "A DNS name has at most 253 characters."
	case allDigits.MatchString(labels[len(labels)-1]):
		return "This looks like an IPv4 address and is none: that has four numbers from 0 to 255."
	}
	return ""
}
