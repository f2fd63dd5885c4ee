package metrics

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

// Whatever a target is, it is split into a host without anything strange and a port, or refused.
func FuzzSplitTarget(f *testing.F) {
	for _, seed := range []string{"mx1.example.org:993", "mx1", "[2001:db8::1]:143", "2001:db8::1", ":", "a:b:c", "a:0", "a/b", "[::1", "a\nb:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		host, port, err := splitTarget(target, 993)
		if err != nil {
			return
		}
		if host == "" || port == 0 || strings.ContainsAny(host, " /\r\n\"@") {
			t.Errorf("%q is %q and %d", target, host, port)
		}
		again, same, err := splitTarget(net.JoinHostPort(host, strconv.Itoa(int(port))), 143)
		if err != nil || again != host || same != port {
			t.Errorf("%q is %q and %d, and then %q and %d: %v", target, host, port, again, same, err)
		}
	})
}
