package names

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// A Fault is what is wrong with a host, as sentences that say what to write instead.
type Fault struct {
	Full  string
	Blind string // without a part of what was written
}

func (f *Fault) Error() string { return f.Full }

// Host holds a host to the rules of those in files: it gives an IP address as it is and a
// DNS name in ASCII (RFC 5891), without the final dot where there is another. The error is
// a [Fault].
func Host(text string) (ascii string, err error) {
	// First, since the colons of an IPv6 address look like a port.
	if _, err := netip.ParseAddr(text); err == nil {
		return text, nil
	}
	if wrong := notAHost(text); wrong != nil {
		return "", wrong
	}
	name, absolute := strings.CutSuffix(text, ".")
	ascii, err = idna.Lookup.ToASCII(name)
	if err != nil && !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		ascii, err = name, nil // idna refuses an underscore, and such names exist
	}
	// An ideographic full stop at the end becomes a dot.
	if cut, dot := strings.CutSuffix(ascii, "."); dot && !absolute {
		ascii, absolute = cut, true
	}
	if wrong := NotADNSName(ascii); wrong != "" {
		return "", plainly(wrong)
	}
	if err != nil {
		return "", plainly("This is no internationalised DNS name (RFC 5891).")
	}
	if absolute && Relative(ascii) {
		return ascii + ".", nil // only its final dot keeps the search list away
	}
	return ascii, nil
}

func plainly(text string) *Fault { return &Fault{text, text} }

// notAHost returns what to do about what people write in the place of a host, such as a
// URL.
func notAHost(text string) *Fault {
	scheme, rest, isURL := strings.Cut(text, "://")
	host, port, err := net.SplitHostPort(text)
	switch {
	case isURL:
		return &Fault{
			fmt.Sprintf("Leave out %q: a host is only the name, %q.", scheme+"://", strings.TrimRight(rest, "/")),
			"This is a URL, and a host is only the name in it.",
		}
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		return plainly("Leave out the brackets: an IPv6 address is written as it is.")
	case err == nil && port != "":
		return &Fault{
			fmt.Sprintf("The port is an attribute of its own. Write %q here, and port = %s", host, port),
			"There is a port in it, and that is an attribute of its own.",
		}
	case strings.ContainsAny(text, " \t"):
		return plainly("A host has no spaces in it.")
	}
	return nil
}

var (
	dnsLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	allDigits = regexp.MustCompile(`^[0-9]+$`)
)

// NotADNSName returns what is wrong with a name by RFC 1123 section 2.1, or "".
// Underscores are taken, since such names exist.
func NotADNSName(name string) string {
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
