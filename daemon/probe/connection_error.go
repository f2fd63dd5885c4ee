package probe

import (
	"cmp"

	"github.com/imapvigil/imapvigil/config"
)

// connectionError turns an error of reading or writing into the failure of the present
// phase.
func (c *conversation) connectionError(err error) *failure {
	if fault := localFault(err); fault != "" {
		return localFailure(c.phase, "The conversation could not continue: "+fault+".")
	}
	if text := alertReason(err); text != "" {
		f := c.alertFailure(text) // TLS 1.3 tells of a missing client certificate only now
		f.phase = config.PhaseTLS
		return f
	}
	cause := ioCause(err)
	if cause == config.CauseProtocolError {
		if c.phase == config.PhaseTLS {
			return c.fail(config.CauseTLSFailure, "The TLS handshake failed: "+clean(err.Error())+".")
		}
		return c.fail(cause, "The server's answer could not be understood.").withEvidence(err.Error())
	}
	if c.responses.partial != "" {
		c.writeTranscript(server, c.responses.partial)
	} else if isHangUp(cause) && c.last.isComplaint() {
		// nginx, for one, sends "* BAD internal server error" and hangs up: the words are the
		// reason.
		return c.cutShort(c.last)
	}
	return c.fail(cause, c.brokenHint(cause)).withEvidence(cmp.Or(c.responses.partial, c.last.raw))
}

func isHangUp(cause config.Cause) bool {
	return cause == config.CauseClosed || cause == config.CauseReset
}
