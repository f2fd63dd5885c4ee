package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What a silence or a hang-up may come from. A hint names all that fit what was
// seen, since nothing tells them apart from outside.
const (
	reasonHangs      = "the server hangs"
	reasonQueue      = "its queue of new connections is full (a limit on connections or processes may be reached)" // Cyrus and mailutils let those beyond it wait
	reasonHostDown   = "the host is down"
	reasonFirewall   = "a firewall drops the packets"
	reasonDeadBehind = "a proxy in front of a server that is down or hangs"
	reasonOtherTLS   = "a proxy that speaks TLS to a server that expects clear text, or the reverse"
	reasonLimit      = "a limit on connections"
	reasonNoHeader   = "a proxy that does not send the PROXY header that the server behind it expects"
	reasonWay        = "the network loses large packets (MTU)"
)

func possibleReasons(reasons ...string) string {
	return " Possible reasons: " + strings.Join(reasons, "; ") + "."
}

// proxyReason returns how the PROXY protocol may be the reason for a port that hangs up, or says
// nothing, before it has said anything.
func (c *conversation) proxyReason() string {
	if used := c.check.ProxyProtocol; used != "" {
		return fmt.Sprintf("a port that does not expect the PROXY header that this check sends (proxy_protocol = %q)", used)
	}
	return `a port that expects the PROXY protocol (proxy_protocol = "v1" or "v2")`
}

// withProxyRemark adds to a failure in front of TLS, or before anything was
// understood, that the header of the PROXY protocol may be what the server did
// not understand.
func (c *conversation) withProxyRemark(f *failure) *failure {
	early := []config.Phase{config.PhaseTLS, config.PhaseGreeting, config.PhaseCapability, config.PhaseStartTLS}
	if c.check.ProxyProtocol == "" || c.secured || !slices.Contains(early, f.phase) || f.health != incident.Down || strings.Contains(f.hint, "PROXY") {
		return f
	}
	switch f.cause {
	case config.CauseTLSFailure, config.CauseProtocolTooOld, config.CauseNotTLS,
		config.CauseProtocolError, config.CauseNotIMAP, config.CauseBye, config.CauseClosed, config.CauseReset:
		f.hint += fmt.Sprintf(" This check sends the PROXY header first (proxy_protocol = %q); a port that does not expect it may fail like this.", c.check.ProxyProtocol)
	}
	return f
}

func (c *conversation) brokenHint(cause config.Cause) string {
	switch cause {
	case config.CauseTimeout:
		return c.timeoutHint() + c.slowBefore()
	case config.CauseTooMuchData:
		return fmt.Sprintf("The server sent more than %d KiB without an end.", maxConversation>>10)
	case config.CauseLineTooLong:
		return fmt.Sprintf("The server sent a line of more than %d KiB.", maxLine>>10)
	case config.CauseReset:
		return "The server, or something in between, reset the connection" + " " + c.phase.When() + "." + c.hangUpReasons()
	default:
		return c.closedHint() + c.hangUpReasons()
	}
}

func (c *conversation) closedHint() string {
	switch {
	case c.phase == config.PhaseGreeting && c.responses.partial != "":
		return "The server closed the connection in the middle of its greeting."
	case c.phase == config.PhaseGreeting:
		return "The server accepted the connection and closed it without a greeting."
	}
	return "The server closed the connection" + " " + c.phase.When() + " without a reason."
}

// hangUpReasons returns the possible reasons of a server that hung up and had not said a word yet.
func (c *conversation) hangUpReasons() string {
	switch {
	case c.phase == config.PhaseGreeting && c.secured && c.responses.partial == "":
		return possibleReasons(reasonDeadBehind, reasonOtherTLS, reasonLimit, reasonNoHeader)
	case c.nothingReceived():
		return possibleReasons(reasonDeadBehind, reasonLimit, c.proxyReason())
	}
	return ""
}

// nothingReceived reports whether not a byte has come on this connection, which was to
// begin with TLS or with the greeting.
func (c *conversation) nothingReceived() bool {
	return (c.fence == nil || c.fence.bytesReceived() == 0) && (c.phase == config.PhaseGreeting || c.phase == config.PhaseTLS)
}

func (c *conversation) timeoutHint() string {
	got := c.fence.bytesReceived()
	switch c.phase {
	case config.PhaseGreeting:
		if dripped := len(c.responses.partial); dripped > 0 {
			return fmt.Sprintf("The server sent %d bytes of its greeting and then stalled.", dripped)
		}
		if c.secured {
			return "TLS works, and then the server says nothing." + possibleReasons(reasonHangs, reasonDeadBehind, reasonOtherTLS, reasonNoHeader)
		}
		return "The connection is accepted and the server says nothing." + possibleReasons(reasonHangs, reasonQueue, reasonDeadBehind, c.proxyReason())
	case config.PhaseTLS:
		switch {
		case c.nothingReceived():
			return "The server does not answer the TLS handshake." + possibleReasons(reasonHangs, reasonQueue, reasonDeadBehind, c.proxyReason(), reasonWay)
		case got == c.fence.clear: // after STARTTLS, so that there was an answer before
			return "The server does not answer the TLS handshake." + possibleReasons(reasonHangs, reasonWay)
		}
		return "The server began the TLS handshake and did not go on: it hangs."
	case config.PhaseLogin:
		return "The server does not answer the login: the directory or the authentication behind it hangs, or, where this is a proxy, the server behind it."
	case config.PhaseSelect:
		return "The mailbox or the storage behind it hangs: EXAMINE is not answered."
	default:
		return fmt.Sprintf("The server does not answer during %s; it had sent %d bytes before.", c.phase, got)
	}
}

// slowBefore returns a remark about what took more than half of the timeout before the phase that
// ran out of it; "" where nothing did.
func (c *conversation) slowBefore() string {
	half, whole := c.check.Timeout/2, config.FormatDuration(c.check.Timeout)
	switch connecting := c.outcome.address.Timings[config.PhaseConnect]; {
	case connecting > half:
		return fmt.Sprintf(" Connecting alone took %s of the timeout of %s: the network is slow, or loses packets.", inSeconds(connecting), whole)
	case c.dns > half:
		return fmt.Sprintf(" Looking up the name alone took %s of the timeout of %s: the resolver is slow.", inSeconds(c.dns), whole)
	}
	return ""
}

func inSeconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
