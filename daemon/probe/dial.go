package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// dialer connects to one literal address at a time. Without a name there is no
// Happy Eyeballs (RFC 8305), which would hide a dead address; keep-alives would
// cost system calls and change nothing within a conversation of seconds.
var dialer = &net.Dialer{FallbackDelay: -1, KeepAlive: -1}

// connect opens the connection and puts the fence around it.
func (c *conversation) connect() error {
	ctx, cancel := context.WithTimeout(c.ctx, connectTimeout)
	defer cancel()
	conn, err := c.prober.dial(ctx, "tcp", c.target().String())
	if err != nil {
		return c.connectFailure(err)
	}
	c.fence = newFence(conn, c.deadline)
	c.conn, c.responses = c.fence, newResponses(c.fence)
	c.unwatch = context.AfterFunc(c.parent, func() { _ = conn.Close() })
	return nil
}

func (c *conversation) target() netip.AddrPort {
	return netip.AddrPortFrom(c.ip, c.check.Port)
}

func (c *conversation) connectFailure(err error) *failure {
	const phase = incident.PhaseConnect
	if fault := localFault(err); fault != "" {
		return local(phase, "No connection could be tried: "+fault+".")
	}
	target := c.target()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return down(phase, incident.CauseRefused, "The host is up and nothing listens on port "+port(target)+", or a firewall rejects it.")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		if !hasRoute(target) {
			return local(phase, "This machine has no route to "+target.Addr().String()+".")
		}
		return down(phase, incident.CauseUnreachable, "The network says that "+target.Addr().String()+" cannot be reached.")
	case isTimeout(err):
		return down(phase, incident.CauseTimeout, "Nothing answers at "+target.String()+": the host is down or a firewall drops the packets."+c.banned())
	case errors.Is(err, syscall.ECONNRESET):
		// A refused SYN is ECONNREFUSED: this connection was open already.
		c.phase = c.afterConnect()
		return c.fail(incident.CauseReset, c.brokenHint(incident.CauseReset))
	}
	return down(phase, incident.CauseUnreachable, "The connection could not be opened.").quoting(err.Error())
}

// hasRoute asks the routing table: connecting a UDP socket looks up the route
// and sends nothing.
func hasRoute(target netip.AddrPort) bool {
	conn, err := net.Dial("udp", target.String())
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// afterConnect is the phase in which the server speaks first.
func (c *conversation) afterConnect() incident.Phase {
	if c.check.Security == config.TLSFromStart {
		return incident.PhaseTLS
	}
	return incident.PhaseGreeting
}
