package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// An allowance is how many files probes may have open at once, so that however
// many servers hang, messages and the journal find one. A probe that gets none says
// that this machine has none left, as it does when that is so.
type allowance struct {
	most int64 // 0: as many as there are
	used atomic.Int64
}

var errNoDescriptor = &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}

// take takes one descriptor and reports whether there was one left. It has to be given back.
func (d *allowance) take() bool {
	if d.most > 0 && d.used.Add(1) > d.most {
		d.used.Add(-1)
		return false
	}
	return true
}

func (d *allowance) give() {
	if d.most > 0 {
		d.used.Add(-1)
	}
}

// dial connects over TCP as [dialer] does, with a descriptor of the allowance, which the connection
// gives back when it is closed. Without one left the error is EMFILE.
func (d *allowance) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !d.take() {
		return nil, errNoDescriptor
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		d.give()
		return nil, err
	}
	// Close may be called twice, by the fence and when the context ends; only the first one counts.
	return &countedConn{Conn: conn, give: sync.OnceFunc(d.give)}, nil
}

// A countedConn gives its descriptor back when it is closed.
type countedConn struct {
	net.Conn
	give func()
}

// Close implements [net.Conn].
func (c *countedConn) Close() error {
	defer c.give()
	return c.Conn.Close()
}

// A countedResolver takes a descriptor for each question: Go asks one server at a
// time.
type countedResolver struct {
	resolver
	descriptors *allowance
}

// LookupNetIP implements [Resolver].
func (r countedResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if !r.descriptors.take() {
		return nil, errNoDescriptor
	}
	defer r.descriptors.give()
	return r.resolver.LookupNetIP(ctx, network, host)
}
