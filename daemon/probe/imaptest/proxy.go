package imaptest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
)

// takeProxyHeader reads the header of the PROXY protocol, "v1" or "v2", which must
// tell the true addresses of the connection
// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). It reads not a
// byte more, since TLS may begin with the next one.
func (p *player) takeProxyHeader(version string) error {
	read := p.proxyV1
	if version == "v2" {
		read = p.proxyV2
	}
	got, err := read()
	if err != nil {
		return err
	}
	if want := endpoints(p.tcp); got != want {
		return p.server.surprise("the PROXY header has %s instead of %s", got, want)
	}
	return nil
}

// endpoints returns both ends of a connection, as the client sees it.
func endpoints(conn net.Conn) string {
	return fmt.Sprintf("%s to %s", conn.RemoteAddr(), conn.LocalAddr())
}

// proxyV1 reads a line of at most 107 bytes, section 2.1.
func (p *player) proxyV1() (string, error) {
	line := make([]byte, 0, 107)
	// Byte by byte: what follows the line may belong to TLS.
	for len(line) < cap(line) && !strings.HasSuffix(string(line), "\r\n") {
		line = line[:len(line)+1]
		if _, err := io.ReadFull(p.conn, line[len(line)-1:]); err != nil {
			return "", err
		}
	}
	words := strings.Fields(string(line))
	if len(words) != 6 || words[0] != "PROXY" {
		return "", p.server.surprise("%q is no PROXY header", line)
	}
	return net.JoinHostPort(words[2], words[4]) + " to " + net.JoinHostPort(words[3], words[5]), nil
}

// proxyV2 reads the binary header, section 2.2.
func (p *player) proxyV2() (string, error) {
	// 12 bytes of signature, version and command, family, and the length in two bytes.
	head := make([]byte, 16)
	if _, err := io.ReadFull(p.conn, head); err != nil {
		return "", err
	}
	// TCP over IPv4 and over IPv6, by the length of an address.
	size := map[byte]int{0x11: 4, 0x21: 16}[head[13]]
	if !strings.HasPrefix(string(head), "\r\n\r\n\x00\r\nQUIT\n\x21") || size == 0 || int(binary.BigEndian.Uint16(head[14:])) != 2*size+4 {
		return "", p.server.surprise("%q is no PROXY header", head)
	}
	rest := make([]byte, 2*size+4)
	if _, err := io.ReadFull(p.conn, rest); err != nil {
		return "", err
	}
	from, _ := netip.AddrFromSlice(rest[:size])
	to, _ := netip.AddrFromSlice(rest[size : 2*size])
	ports := rest[2*size:]
	return fmt.Sprintf("%s to %s", netip.AddrPortFrom(from, binary.BigEndian.Uint16(ports)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(ports[2:]))), nil
}
