package names_test

import (
	"net"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/names"
)

func TestAbsoluteAndRelative(t *testing.T) {
	for _, test := range []struct {
		host, absolute string
		relative       bool
	}{
		{"imap.example.org", "imap.example.org.", false},
		{"imap.example.org.", "imap.example.org.", false},
		{"xn--bcher-kva.example", "xn--bcher-kva.example.", false},
		{"mx1", "mx1", true},
		{"mx1.", "mx1.", false},
		{"localhost", "localhost", false},
		{"LocalHost", "LocalHost", false},
		{"192.0.2.1", "192.0.2.1", false},
		{"2001:db8::1", "2001:db8::1", false},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1", false},
		{"fe80::1%eth0.100", "fe80::1%eth0.100", false},
		{"", "", false},
	} {
		if got := names.Absolute(test.host); got != test.absolute {
			t.Errorf("Absolute(%q) is %q, want %q", test.host, got, test.absolute)
		}
		if got := names.Relative(test.host); got != test.relative {
			t.Errorf("Relative(%q) is %v", test.host, got)
		}
	}
}

func TestDialContextReachesThisMachine(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		conn, err := names.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = conn.Close()
	}
	if _, err := names.DialContext(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port was dialled")
	}
}

// The error shows what the resolver was asked for. Names below onion are asked of
// no name server (RFC 7686 section 2), so that this needs none.
func TestResolverIsAskedForTheAbsoluteName(t *testing.T) {
	_, dialled := names.DialContext(t.Context(), "tcp", "nobody.onion:25")
	_, looked := names.Resolver{}.LookupNetIP(t.Context(), "ip", "nobody.onion")
	for _, err := range []error{dialled, looked} {
		if err == nil || !strings.Contains(err.Error(), "nobody.onion.") {
			t.Errorf("got %v", err)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.10": true, "::1": true, "localhost": true, "LocalHost": true,
		"192.0.2.1": false, "localhost.example.org": false, "mx1": false, "": false, "::": false,
	} {
		if got := names.IsLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
