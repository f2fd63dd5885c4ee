package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A failure ends a conversation: the phase it ended in, the named reason, one
// sentence of ours and the server's words.
type failure struct {
	phase     config.Phase
	cause     config.Cause
	condition config.Condition // Service, unless it is about the account or the monitor
	health    incident.Health
	hint      string
	evidence  opaque.Words
	banned    bool          // failed logins are held against the account or this machine
	backoff   time.Duration // how long the server asks to be left alone
}

// Error makes a failure an error, for the way up through the conversation.
func (f *failure) Error() string { return fmt.Sprintf("%s: %s", f.phase, f.cause) }

// serviceFailure returns a failure of the service.
func serviceFailure(phase config.Phase, cause config.Cause, hint string) *failure {
	return &failure{phase: phase, cause: cause, condition: config.ConditionService, health: incident.Down, hint: hint}
}

// localFailure returns a fault of this machine, which says nothing about the server.
func localFailure(phase config.Phase, hint string) *failure {
	return &failure{phase: phase, cause: config.CauseLocalFault, condition: config.ConditionMonitor, health: incident.Unknown, hint: hint}
}

// rejectionsRemark adds to a hint what our own rejected logins may have caused.
func (c *conversation) rejectionsRemark() string {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	if c.past.logins == nil || !c.past.logins.anyRejected() {
		return ""
	}
	return " Logins of this check were rejected before: perhaps this machine is banned there."
}

// withEvidence adds the server's words.
func (f *failure) withEvidence(words string) *failure {
	f.evidence = opaque.Sanitise(words)
	return f
}

// asFinding returns the failure as a result tells it.
func (f *failure) asFinding() incident.Finding {
	return incident.Finding{
		Condition: f.condition, Health: f.health, Phase: f.phase,
		Cause: f.cause, Hint: f.hint, Evidence: f.evidence,
	}
}

// ioCause names an error of reading or writing. What is neither a limit of ours
// nor an error of the network is a mistake in the protocol.
func ioCause(err error) config.Cause {
	switch {
	case errors.Is(err, errTooMuchData):
		return config.CauseTooMuchData
	case errors.Is(err, errLineTooLong):
		return config.CauseLineTooLong
	case isTimeout(err):
		return config.CauseTimeout
	case errors.Is(err, syscall.ECONNRESET):
		return config.CauseReset
	case errors.Is(err, syscall.EPIPE), // the server had ended its side before (Linux reports a reset then like this)
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return config.CauseClosed
	}
	return config.CauseProtocolError
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// localFault names what this machine lacks, or is "" when err may well be the
// server's.
func localFault(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE:
		return "this machine has no file descriptors left"
	case syscall.EADDRNOTAVAIL:
		return "this machine has no free port or address to connect from"
	case syscall.ENETDOWN:
		return "the network of this machine is down"
	case syscall.ENOMEM, syscall.ENOBUFS:
		return "this machine has no memory left for a connection"
	case syscall.EACCES, syscall.EPERM:
		return "this machine does not allow the connection (a firewall rule or a sandbox of its own)"
	case syscall.EINVAL:
		return "this machine cannot use the address; a link-local one (fe80::) needs its interface, as in fe80::1%eth0"
	case syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT:
		return "this machine does not have this family of addresses"
	}
	return ""
}
