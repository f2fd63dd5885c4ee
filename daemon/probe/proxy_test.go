package probe

import (
	"encoding/hex"
	"net"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// pipeEnds is a connection that knows its addresses and nothing else.
type pipeEnds struct {
	net.Conn
	from, to net.Addr
}

func (e pipeEnds) LocalAddr() net.Addr  { return e.from }
func (e pipeEnds) RemoteAddr() net.Addr { return e.to }

func tcp(ip string, port int, zone string) *net.TCPAddr {
	return &net.TCPAddr{IP: net.ParseIP(ip), Port: port, Zone: zone}
}

// The bytes are those of haproxy's proxy-protocol.txt, sections 2.1 and 2.2.
func TestProxyHeader(t *testing.T) {
	const signature = "0d0a0d0a000d0a515549540a"
	for _, test := range []struct {
		name     string
		from, to net.Addr
		v1, v2   string
	}{
		{
			"IPv4", tcp("192.0.2.9", 50000, ""), tcp("192.0.2.1", 993, ""),
			"PROXY TCP4 192.0.2.9 192.0.2.1 50000 993\r\n", signature + "21" + "11" + "000c" + "c0000209" + "c0000201" + "c350" + "03e1",
		},
		{
			"IPv4 in IPv6", tcp("::ffff:192.0.2.9", 1, ""), tcp("192.0.2.1", 65535, ""),
			"PROXY TCP4 192.0.2.9 192.0.2.1 1 65535\r\n", signature + "21" + "11" + "000c" + "c0000209" + "c0000201" + "0001" + "ffff",
		},
		{
			"IPv6", tcp("2001:db8::9", 50000, ""), tcp("2001:db8::1", 143, ""),
			"PROXY TCP6 2001:db8::9 2001:db8::1 50000 143\r\n",
			signature + "21" + "21" + "0024" + "20010db8000000000000000000000009" + "20010db8000000000000000000000001" + "c350" + "008f",
		},
		{
			"link-local", tcp("fe80::9", 2, "eth0"), tcp("fe80::1", 3, "eth0"),
			"PROXY TCP6 fe80::9 fe80::1 2 3\r\n",
			signature + "21" + "21" + "0024" + "fe800000000000000000000000000009" + "fe800000000000000000000000000001" + "0002" + "0003",
		},
		{"no TCP", &net.UnixAddr{Name: "@"}, &net.UnixAddr{Name: "@"}, "PROXY UNKNOWN\r\n", signature + "20" + "00" + "0000"},
		{"two families", tcp("192.0.2.9", 1, ""), tcp("2001:db8::1", 1, ""), "PROXY UNKNOWN\r\n", signature + "20" + "00" + "0000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn := pipeEnds{from: test.from, to: test.to}
			if got := string(proxyHeader(config.ProxyV1, conn)); got != test.v1 {
				t.Errorf("v1 is %q, want %q", got, test.v1)
			}
			if got := hex.EncodeToString(proxyHeader(config.ProxyV2, conn)); got != test.v2 {
				t.Errorf("v2 is %s, want %s", got, test.v2)
			}
			if got := proxyHeader("", conn); got != nil {
				t.Errorf("without the attribute it is %q", got)
			}
		})
	}
}

// Version 1 is at most 107 bytes, section 2.1.
func TestProxyHeaderOfTheLongestAddresses(t *testing.T) {
	const longest = "1111:2222:3333:4444:5555:6666:7777:8888"
	header := string(proxyHeader(config.ProxyV1, pipeEnds{from: tcp(longest, 65535, ""), to: tcp(longest, 65535, "")}))
	if len(header) > 107 || !strings.HasSuffix(header, " 65535 65535\r\n") {
		t.Errorf("%d bytes: %q", len(header), header)
	}
}
