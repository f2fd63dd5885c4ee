package takeover

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// identifier makes a name for a block of any text: letters and digits of ASCII, with
// hyphens for all else; "" where nothing remains. Accents are taken off.
func identifier(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)), r == '_', r == '.':
			b.WriteRune(unicode.ToLower(r))
		case r == 'ß':
			b.WriteString("ss")
		case unicode.Is(unicode.Mn, r):
		default:
			b.WriteByte('-')
		}
	}
	// A name begins with a letter, a digit or _.
	name := strings.Trim(b.String(), "-.")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	if len(name) > longestName {
		name = strings.TrimRight(name[:longestName], "-.")
	}
	return name
}

const longestName = 60

// checkLabel makes a label for a check of any text: letters, digits and single spaces.
func checkLabel(text string) string {
	kept := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
			return r
		}
		return ' '
	}, norm.NFC.String(text))
	return strings.Join(strings.Fields(kept), " ")
}

// toLabel returns a text as one line without what a terminal would take for a command.
func toLabel(text string) string {
	kept := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(kept), " ")
}

// shorten cuts what would fill a screen.
func shorten(text string) string {
	if runes := []rune(toLabel(text)); len(runes) > longestName {
		return string(runes[:longestName]) + "..."
	}
	return toLabel(text)
}

// A nameList hands out names of which none comes twice.
type nameList map[string]bool

func (l nameList) take(name, otherwise string) string {
	name = cmp.Or(name, otherwise)
	unique := name
	for n := 2; l[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	l[unique] = true
	return unique
}

// nameless are first labels of hosts that say what a host does and not which it is.
var nameless = []string{"imap", "imaps", "imap4", "mail", "mailbox", "mx", "pop", "pop3", "smtp", "webmail", "www", "outlook", "ssl"}

// shortNames returns a name for each host: its first label where that is enough to
// tell which host is meant, else all of it.
func shortNames(hosts []string) map[string]string {
	first, users := map[string]string{}, map[string]int{}
	for _, host := range hosts {
		if _, known := first[host]; known {
			continue
		}
		label, rest, dotted := strings.Cut(host, ".")
		if _, err := netip.ParseAddr(host); err == nil || !dotted || rest == "" || slices.Contains(nameless, strings.ToLower(label)) {
			label = host
		}
		first[host] = label
		users[label]++
	}
	for host, label := range first {
		if users[label] > 1 {
			first[host] = host
		}
	}
	return first
}
