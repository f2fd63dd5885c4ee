package bus

import (
	"context"
	"net"
)

// A dialer makes connections that end with a context, also while the name of the server is being
// looked up.
type dialer struct {
	ctx context.Context
	err error // of the last attempt
}

// Dial implements nats.CustomDialer.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, dialTimeout)
	defer cancel()
	var plain net.Dialer
	conn, err := plain.DialContext(ctx, network, address)
	d.err = err
	if err != nil {
		return nil, err
	}
	c := &boundConn{Conn: conn}
	c.forget = context.AfterFunc(d.ctx, func() { _ = conn.Close() })
	return c, nil
}

// A boundConn is closed when a context ends.
type boundConn struct {
	net.Conn
	forget func() bool
}

// Close implements net.Conn.
func (c *boundConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
