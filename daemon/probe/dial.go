package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// dialer connects to one literal address at a time. Without a name there is no
// Happy Eyeballs (RFC 8305), which would hide a dead address; keep-alives would
// cost system calls and change nothing within a conversation of seconds.
var dialer = &net.Dialer{FallbackDelay: -1, KeepAlive: -1}

// connect opens the connection and puts the fence around it.
func (c *conversation) connect() error {
	ctx, cancel := context.WithDeadline(c.ctx, earlierEnd(c.deadline, time.Now().Add(connectTimeout)))
	defer cancel()
	conn, err := c.prober.dial(ctx, "tcp", c.target().String())
	if err != nil {
		return c.connectFailure(err)
	}
	c.prober.routes.noteWorking(c.goal.ip)
	c.prober.reached.noteAnswer(c.target())
	c.writeTranscript(remark, "connected to "+c.target().String())
	c.fence = newFence(conn, c.deadline)
	c.conn, c.responses = c.fence, newResponses(c.fence, c.redact)
	// Reading knows no context: closing the connection is what ends it.
	c.unwatch = context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	return c.sendProxyHeader(conn)
}

// sendProxyHeader sends what the attribute proxy_protocol asks for.
func (c *conversation) sendProxyHeader(conn net.Conn) error {
	header := proxyHeader(c.check.ProxyProtocol, conn)
	if header == nil {
		return nil
	}
	c.writeTranscript(remark, "sent the PROXY header, "+string(c.check.ProxyProtocol))
	if _, err := c.fence.Write(header); err != nil {
		c.phase = c.afterConnect()
		return c.connectionError(err)
	}
	return nil
}

func (c *conversation) target() netip.AddrPort {
	return netip.AddrPortFrom(c.goal.ip, c.check.Port)
}

func (c *conversation) connectFailure(err error) *failure {
	const phase = config.PhaseConnect
	target := c.target()
	// Asked before localFault: EADDRNOTAVAIL and EAFNOSUPPORT are faults of this machine, too, but
	// without a route they mean only that the family is missing here.
	if c.prober.routes.hasLostRoute(err, target) {
		c.outcome.leftOut = c.prober.routes.neverHadRoute(c.goal.ip)
		return localFailure(phase, "This machine has no route to "+target.Addr().String()+".")
	}
	if fault := localFault(err); fault != "" {
		return localFailure(phase, "No connection could be tried: "+fault+".")
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		// A refusal is an answer: the host is up.
		c.prober.reached.noteAnswer(target)
		return serviceFailure(phase, config.CauseRefused, "The host is up and nothing listens on port "+port(target)+", or a firewall rejects it."+c.rejectionsRemark())
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return serviceFailure(phase, config.CauseUnreachable, c.unreachableHint(target))
	case isTimeout(err):
		return serviceFailure(phase, config.CauseTimeout, c.unansweredHint(target))
	case errors.Is(err, syscall.ECONNRESET):
		// A refused SYN is ECONNREFUSED: this connection was open already.
		return c.resetAtOnce()
	}
	return serviceFailure(phase, config.CauseUnreachable, "The connection could not be opened: "+clean(err.Error())+".")
}

// unansweredHint returns the hint for a connection attempt that nothing came back to. Linux
// drops a SYN, too, when the server's queue of new connections is full (listen(2)).
func (c *conversation) unansweredHint(target netip.AddrPort) string {
	c.prober.reached.noteSilence(target)
	other := c.prober.reached.otherPort(target)
	reasons := possibleReasons(reasonHostDown, reasonFirewall, "the server's queue of new connections is full")
	if other != "" {
		reasons = possibleReasons("a firewall drops the packets to this port", "the server's queue of new connections is full")
	}
	return "Nothing answers at " + target.String() + "." + other + reasons + c.slowBefore() + c.rejectionsRemark()
}

// unreachableHint returns the hint for a router's word, or a firewall's: those of Red Hat
// answer so for a port that they do not let through (ICMP host prohibited).
func (c *conversation) unreachableHint(target netip.AddrPort) string {
	c.prober.reached.noteSilence(target)
	hint := "The network says that " + target.Addr().String() + " cannot be reached."
	if other := c.prober.reached.otherPort(target); other != "" {
		return hint + other + possibleReasons("a firewall rejects this port")
	}
	return hint
}

// resetAtOnce returns the failure of a connection that was reset so soon that connecting failed
// with it.
func (c *conversation) resetAtOnce() *failure {
	c.phase = c.afterConnect()
	f := c.fail(config.CauseReset, c.brokenHint(config.CauseReset))
	// A diagnosis that asked for a diagnosis would have no end.
	if c.phase == config.PhaseGreeting && !c.diagnosis {
		return c.noGreeting(f, c.helloAfterHangUp())
	}
	return f
}

// afterConnect returns the phase in which the server speaks first.
func (c *conversation) afterConnect() config.Phase {
	if c.check.Security == config.TLSFromStart {
		return config.PhaseTLS
	}
	return config.PhaseGreeting
}

func earlierEnd(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
