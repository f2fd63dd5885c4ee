package access

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// The login leads to a path of this page, and to nothing else.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{
		"/", "/monitor", "/c/mx1/imaps?window=7d", "", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example",
		"javascript:alert(1)", "/%2f/evil.example", "/..//evil.example", " /x", "/a:b", "\n/x", "/?next=//x", "/#x",
	} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://status.example.org/login")
	f.Fuzz(func(t *testing.T, next string) {
		path := pathOnly(next)
		// As a browser does (URL Standard): it drops tabs and line ends, and a backslash is a slash.
		seen := strings.ReplaceAll(strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return -1
			}
			return r
		}, path), "\\", "/")
		to, err := base.Parse(seen)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || !strings.HasPrefix(seen, "/") || strings.HasPrefix(seen, "//") {
			t.Errorf("%q leads to %q (%v)", next, seen, err)
		}
	})
}

// Of what proxies forward, only the last address that is no proxy counts.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"203.0.113.9", "a, b", "203.0.113.9, 192.0.2.1", ",", "::1%eth0", "[2001:db8::1]:443", ""} {
		f.Add(seed)
	}
	peer, proxies := netip.MustParseAddr("192.0.2.1"), netip.MustParsePrefix("192.0.2.0/24")
	f.Fuzz(func(t *testing.T, forwarded string) {
		const last = "198.51.100.7"
		if got := lastForwarded([]string{forwarded, last}, proxies.Contains, peer); got.String() != last {
			t.Errorf("%q and then %s is %s", forwarded, last, got)
		}
		if got := lastForwarded([]string{forwarded}, proxies.Contains, peer); !got.IsValid() || got.Zone() != "" {
			t.Errorf("%q is %s", forwarded, got)
		}
	})
}

func TestGroupsOfProxies(t *testing.T) {
	for text, want := range map[string]string{
		"a,b": "a b", "a|b": "a b", " a , b ": "a b", "": "", ",|,": "", "with space,b": "with space b",
	} {
		if got := strings.Join(splitGroups([]string{text}), " "); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
