package probe

import (
	"cmp"
	"fmt"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// broken turns an error of reading or writing into the failure of the present
// phase.
func (c *conversation) broken(err error) *failure {
	if fault := localFault(err); fault != "" {
		return local(c.phase, "The conversation could not go on: "+fault+".")
	}
	if text := alertText(err); text != "" {
		f := c.alertFailure(text) // TLS 1.3 tells of a missing client certificate only now
		f.phase = incident.PhaseTLS
		return f
	}
	cause := ioCause(err)
	if cause == incident.CauseProtocolError {
		if c.phase == incident.PhaseTLS {
			return c.fail(incident.CauseTLSFailure, "The TLS handshake failed: "+clean(err.Error())+".")
		}
		return c.fail(cause, "The server's answer could not be understood.").quoting(err.Error())
	}
	if c.responses.partial != "" {
		c.said(server, c.responses.partial)
	} else if isHangUp(cause) && c.last.isComplaint() {
		return c.cutShort(c.last)
	}
	return c.fail(cause, c.brokenHint(cause)).quoting(cmp.Or(c.responses.partial, c.last.raw))
}

func (c *conversation) brokenHint(cause incident.Cause) string {
	switch cause {
	case incident.CauseTimeout:
		return c.timeoutHint()
	case incident.CauseTooMuchData:
		return fmt.Sprintf("The server sent more than %d KiB without coming to the point.", maxConversation>>10)
	case incident.CauseLineTooLong:
		return fmt.Sprintf("The server sent a line of more than %d KiB.", maxLine>>10)
	case incident.CauseReset:
		return "The server, or something in between, reset the connection" + during(c.phase) + "."
	default:
		if c.phase == incident.PhaseGreeting && c.responses.partial != "" {
			return "The server closed the connection in the middle of its greeting."
		}
		if c.phase == incident.PhaseGreeting {
			return "The server accepted the connection and closed it without a greeting."
		}
		return "The server closed the connection" + during(c.phase) + " without a word."
	}
}

func during(phase incident.Phase) string {
	switch phase {
	case incident.PhaseGreeting:
		return " before it greeted"
	case incident.PhaseTLS:
		return " during the TLS handshake"
	default:
		return " during " + string(phase)
	}
}

func (c *conversation) timeoutHint() string {
	got := c.fence.received()
	switch c.phase {
	case incident.PhaseGreeting:
		if dripped := len(c.responses.partial); dripped > 0 {
			return fmt.Sprintf("The server was dripping: %d bytes and still no whole greeting.", dripped)
		}
		return "The connection is accepted and the server says nothing: it hangs, or its queue is full."
	case incident.PhaseTLS:
		return "The server does not answer the TLS handshake."
	case incident.PhaseLogin:
		return "The server does not answer the login: the directory or the authentication behind it hangs."
	case incident.PhaseSelect:
		return "The mailbox or the storage behind it hangs: EXAMINE is not answered."
	default:
		return fmt.Sprintf("The server does not answer during %s; it had sent %d bytes before.", c.phase, got)
	}
}

func isHangUp(cause incident.Cause) bool {
	return cause == incident.CauseClosed || cause == incident.CauseReset
}
