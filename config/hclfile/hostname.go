package hclfile

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"github.com/imapvigil/imapvigil/config/names"
)

// Hostname holds a host that was not written in a file to the rules of those
// that are: it gives an IP address as it is and a DNS name in ASCII (RFC 5891),
// without the final dot where there is another. The error says what to write instead.
func Hostname(text string) (string, error) {
	ascii, wrong := hostOf(text)
	if wrong != (complaint{}) {
		return "", errors.New(wrong.full)
	}
	return ascii, nil
}

func hostOf(text string) (ascii string, wrong complaint) {
	// First, since the colons of an IPv6 address look like a port.
	if _, err := netip.ParseAddr(text); err == nil {
		return text, complaint{}
	}
	if wrong := notAHost(text); wrong != (complaint{}) {
		return "", wrong
	}
	name, absolute := strings.CutSuffix(text, ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil && isASCII(name) {
		ascii, err = name, nil // idna refuses an underscore, and such names exist
	}
	// An ideographic full stop at the end becomes a dot.
	if cut, dot := strings.CutSuffix(ascii, "."); dot && !absolute {
		ascii, absolute = cut, true
	}
	if wrong := notADNSName(ascii); wrong != "" {
		return "", plainly(wrong)
	}
	if err != nil {
		return "", plainly("This is no internationalised DNS name (RFC 5891).")
	}
	if absolute && names.Relative(ascii) {
		return ascii + ".", complaint{} // only its final dot keeps the search list away
	}
	return ascii, complaint{}
}

// warnOfSearchList warns of a host that the search list decides about; the text
// is the same for all of them, so that they are gathered.
func (r *reading) warnOfSearchList(host string) {
	if names.Relative(host) {
		r.l.Gather(ruleRelativeName, r.expr.Range(), "This host name has no dot, so the search list of /etc/resolv.conf decides which host it means. Write the whole name, like \"imap.example.org\".")
	}
}

// notAHost returns what to do about what people write in the place of a host, such as a
// URL.
func notAHost(text string) complaint {
	scheme, rest, isURL := strings.Cut(text, "://")
	host, port, err := net.SplitHostPort(text)
	switch {
	case isURL:
		return complaint{
			fmt.Sprintf("Leave out %q: a host is only the name, %q.", scheme+"://", strings.TrimRight(rest, "/")),
			"This is a URL, and a host is only the name in it.",
		}
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		return plainly("Leave out the brackets: an IPv6 address is written as it is.")
	case err == nil && port != "":
		return complaint{
			fmt.Sprintf("The port is an attribute of its own. Write %q here, and port = %s", host, port),
			"There is a port in it, and that is an attribute of its own.",
		}
	case strings.ContainsAny(text, " \t"):
		return plainly("A host has no spaces in it.")
	}
	return complaint{}
}

var (
	dnsLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	allDigits = regexp.MustCompile(`^[0-9]+$`)
)

// notADNSName returns what is wrong with a name by RFC 1123 section 2.1, or "".
// Underscores are taken, since such names exist.
func notADNSName(name string) string {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !dnsLabel.MatchString(label) {
			return "This is neither an IP address nor a DNS name: between dots there are 1 to 63 letters, digits and hyphens."
		}
	}
	switch {
	case len(name) > 253: // 255 octets with the lengths of the labels, RFC 1035 section 2.3.4
		return "A DNS name has at most 253 characters."
	case allDigits.MatchString(labels[len(labels)-1]):
		return "This looks like an IPv4 address and is none: that has four numbers from 0 to 255."
	}
	return ""
}
