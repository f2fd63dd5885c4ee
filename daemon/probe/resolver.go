package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config/names"
)

// resolver is Go's own resolver, with an ear on its connections: Go reports a
// name that does not exist and one without addresses alike, and flattens its
// network errors to text.
type resolver struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (r resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	ear := &ear{name: dnsName(host)}
	defer ear.hangUp()
	// The resolver of the C library has no connections that could be listened to.
	goResolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := r.dial(ctx, network, address)
		return ear.listen(conn, err)
	}}
	found, err := goResolver.LookupNetIP(ctx, network, names.Absolute(host))
	if err == nil {
		return found, nil
	}
	var other *net.AddrError // Go's word for a name of /etc/hosts that has addresses of another family alone
	switch ear.mu.Lock(); {
	case ear.fault != nil:
		err = ear.fault
	case ear.exists && notFound(err), errors.As(err, &other):
		err = errNoAddress
	}
	ear.mu.Unlock()
	return nil, err
}

// ear hears what the name servers answered about one name, and hangs up when
// nobody waits for them any more: Go's resolver goes on waiting and asking by
// itself, for up to half a minute.
type ear struct {
	name []byte // in wire format, lower case

	mu     sync.Mutex
	exists bool  // a server said NOERROR for the name
	fault  error // of this machine, while it tried to ask
	over   bool
	conns  []net.Conn
}

func (e *ear) listen(conn net.Conn, err error) (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		if localFault(err) != "" {
			e.fault = err
		}
		return nil, err
	}
	if e.over {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	e.conns = append(e.conns, conn)
	if packets, ok := conn.(net.PacketConn); ok {
		return &packetEar{Conn: conn, PacketConn: packets, ear: e}, nil
	}
	return conn, nil // TCP is asked only after a truncated answer over UDP
}

func (e *ear) hangUp() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	for _, conn := range e.conns {
		_ = conn.Close()
	}
}

// hearAnswer looks at one DNS message, RFC 1035 section 4.1.
func (e *ear) hearAnswer(message []byte) {
	const header = 12
	if len(message) < header+len(e.name) {
		return
	}
	isResponse := message[2]&0x80 != 0
	rcode := message[3] & 0x0f
	// Only an answer for the name itself counts, not one for the name with a search domain.
	question := strings.ToLower(string(message[header : header+len(e.name)]))
	if isResponse && rcode == 0 && binary.BigEndian.Uint16(message[4:]) == 1 && question == string(e.name) {
		e.mu.Lock()
		e.exists = true
		e.mu.Unlock()
	}
}

// packetEar is a UDP connection that is listened to. Both interfaces are
// embedded because Go's resolver tells UDP from TCP by net.PacketConn.
type packetEar struct {
	net.Conn
	net.PacketConn
	ear *ear
}

func (p *packetEar) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.ear.hearAnswer(b[:n])
	return n, err
}

func (p *packetEar) Close() error                       { return p.Conn.Close() }
func (p *packetEar) LocalAddr() net.Addr                { return p.Conn.LocalAddr() }
func (p *packetEar) SetDeadline(t time.Time) error      { return p.Conn.SetDeadline(t) }
func (p *packetEar) SetReadDeadline(t time.Time) error  { return p.Conn.SetReadDeadline(t) }
func (p *packetEar) SetWriteDeadline(t time.Time) error { return p.Conn.SetWriteDeadline(t) }

// dnsName returns a name in wire format, RFC 1035 section 3.1, lower case; nil when
// it cannot be one.
func dnsName(host string) (wire []byte) {
	for label := range strings.SplitSeq(strings.TrimSuffix(strings.ToLower(host), "."), ".") {
		if label == "" || len(label) > 63 { // RFC 1035 section 2.3.4
			return nil
		}
		wire = append(wire, byte(len(label)))
		wire = append(wire, label...)
	}
	return append(wire, 0)
}
