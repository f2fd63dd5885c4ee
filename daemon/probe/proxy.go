package probe

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/imapvigil/imapvigil/config"
)

// proxySignature begins every header of version 2
// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, section 2.2).
const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// The bytes after the signature, section 2.2.
const (
	proxyVersion2   = 0x20
	proxyLocal      = 0x00 // the command LOCAL: the proxy speaks for itself
	proxyOnBehalf   = 0x01 // the command PROXY
	proxyTCPOverIP4 = 0x11
	proxyTCPOverIP6 = 0x21
	proxyUnknown    = 0x00
)

// proxyHeader returns what a proxy sends before anything else on a connection, TLS
// included: the addresses of the connection, which here are those of conn
// itself. It is nil where none is to be sent.
func proxyHeader(version config.ProxyProtocol, conn net.Conn) []byte {
	from, to := endOf(conn.LocalAddr()), endOf(conn.RemoteAddr())
	// The header has room for one family only.
	known := from.IsValid() && to.IsValid() && from.Addr().Is4() == to.Addr().Is4()
	switch version {
	case config.ProxyV1:
		return proxyHeaderV1(from, to, known)
	case config.ProxyV2:
		return proxyHeaderV2(from, to, known)
	}
	return nil
}

// endOf returns one end of a TCP connection, without the zone of a link-local address,
// which the header has no place for. It is not valid for other connections.
func endOf(address net.Addr) netip.AddrPort {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	end := tcp.AddrPort()
	return netip.AddrPortFrom(end.Addr().Unmap().WithZone(""), end.Port())
}

// proxyHeaderV1 returns the header for people to read, section 2.1.
func proxyHeaderV1(from, to netip.AddrPort, known bool) []byte {
	if !known {
		// The receiver then takes the ends of the connection itself.
		return []byte("PROXY UNKNOWN\r\n")
	}
	family := "TCP6"
	if from.Addr().Is4() {
		family = "TCP4"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family, from.Addr(), to.Addr(), from.Port(), to.Port())
}

// proxyHeaderV2 returns the binary header, section 2.2.
func proxyHeaderV2(from, to netip.AddrPort, known bool) []byte {
	header := []byte(proxySignature)
	if !known {
		return append(header, proxyVersion2|proxyLocal, proxyUnknown, 0, 0)
	}
	family := byte(proxyTCPOverIP6)
	if from.Addr().Is4() {
		family = proxyTCPOverIP4
	}
	addresses := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
	addresses = binary.BigEndian.AppendUint16(addresses, from.Port())
	addresses = binary.BigEndian.AppendUint16(addresses, to.Port())
	header = append(header, proxyVersion2|proxyOnBehalf, family)
	header = binary.BigEndian.AppendUint16(header, uint16(len(addresses)))
	return append(header, addresses...)
}
