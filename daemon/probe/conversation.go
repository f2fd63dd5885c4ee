package probe

import (
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A conversation is one session with one address, from dialling to LOGOUT. It
// belongs to one goroutine. Greeting, STARTTLS, CAPABILITY and ID are our own
// lines, because go-imap hides what a monitor wants to know of them; then go-imap
// takes over behind a [gate].
type conversation struct {
	*round

	ctx       context.Context // cancelled when nobody wants the result any more
	goal      goal
	diagnosis bool // of what another conversation found; it asks for no diagnosis itself
	fence     *fence
	conn      net.Conn // the fence, later the TLS session over it
	responses *responses
	unwatch   func() bool
	leave     func() // ends the turn of the user who is logged in

	phase     config.Phase
	last      response // what the server said last
	caps      capabilities
	secured   bool         // TLS is up and verified
	certAsked bool         // the server asked for a client certificate
	small     bool         // the ClientHello is to be small
	tried     bool         // a small one was tried besides, and not answered either
	choice    serverChoice // of a server that refused the handshake
	tags      int
	waited    time.Duration // for what is not to count: another session of the same user, a LOGOUT without an answer
	outcome   outcome
}

// An outcome is what a conversation came to.
type outcome struct {
	goal     goal
	address  incident.Address
	failure  *failure      // what ended it early
	unknown  *verdict.Mark // why that is not believed; nil: it is
	findings []incident.Finding
	notes    []incident.Note
	leftOut  bool // this machine has no route for the family

	verified  bool        // TLS was completed
	print     fingerprint // of the certificate, verified or not
	capable   bool        // the capabilities are known
	login     verdict.Login
	rejection uint64        // the number of the rejection that it ended with, among those of the account
	late      time.Duration // by so much this process was late while it was held
}

// addFinding adds what is wrong without ending the conversation.
func (o *outcome) addFinding(f incident.Finding) { o.findings = append(o.findings, f) }

// addFinding adds what is wrong without ending the conversation.
func (c *conversation) addFinding(f incident.Finding) { c.outcome.addFinding(f) }

// runPhases goes through the phases; the first that fails ends it.
func (c *conversation) runPhases() error {
	if err := c.timePhase(config.PhaseConnect, c.connect); err != nil {
		return err
	}
	if c.check.Security == config.TLSFromStart {
		if err := c.timePhase(config.PhaseTLS, c.handshake); err != nil {
			return err
		}
	}
	if err := c.timePhase(config.PhaseGreeting, c.readGreeting); err != nil {
		return err
	}
	if c.check.Security == config.StartTLS {
		if err := c.upgradeToTLS(); err != nil {
			return err
		}
	}
	if err := c.askCapabilities(); err != nil {
		return err
	}
	return c.loginAndLogout()
}

// upgradeToTLS begins TLS by STARTTLS, RFC 9051 section 6.2.1.
func (c *conversation) upgradeToTLS() error {
	if err := c.timePhase(config.PhaseCapability, c.fetchCapabilities); err != nil {
		return err
	}
	if err := c.timePhase(config.PhaseStartTLS, c.sendStartTLS); err != nil {
		return err
	}
	return c.timePhase(config.PhaseTLS, c.handshake)
}

// timePhase runs one phase and adds its time to the timings.
func (c *conversation) timePhase(phase config.Phase, do func() error) error {
	c.phase = phase
	began := time.Now()
	err := do()
	took := time.Since(began)
	// Added, not set: CAPABILITY runs before STARTTLS and again after it.
	c.outcome.address.Timings[phase] += took
	if c.trial != nil && !c.diagnosis {
		c.tellPhase(c.goal.ip, phase, took, err != nil)
	}
	return err
}

// fetchCapabilities asks for the capabilities unless the greeting already told them.
func (c *conversation) fetchCapabilities() error {
	if c.caps != nil {
		return nil
	}
	answer, err := c.sendCommand("CAPABILITY")
	if err != nil {
		return err
	}
	if answer.status != "OK" {
		return c.refusedEarly(answer, config.CauseProtocolError, "The server refuses the CAPABILITY command.")
	}
	return nil
}

// sendStartTLS sends STARTTLS and nothing else: whatever comes in clear text after
// its OK may be an attacker's and must not reach the encrypted session
// (RFC 9051 section 6.2.1).
func (c *conversation) sendStartTLS() error {
	// go-imap would send STARTTLS although it is not offered (v2.0.0-beta.8).
	if !c.caps.has("STARTTLS") {
		return c.fail(config.CauseNotAdvertised, "The server does not offer STARTTLS on this port. No password was sent, and none will be.").
			withEvidence(strings.Join(c.caps, " "))
	}
	answer, err := c.sendCommand("STARTTLS")
	if err != nil {
		return err
	}
	if answer.status != "OK" {
		return c.refusedEarly(answer, config.CauseStartTLSRefused, "The server offers STARTTLS, but refuses the command.")
	}
	if left := c.responses.leftOver(); len(left) > 0 {
		return c.plaintextAfterOK(string(left))
	}
	c.caps = nil // RFC 9051 section 6.2.1: what was said before TLS is void
	c.fence.markUpgrade()
	return nil
}

func (c *conversation) plaintextAfterOK(text string) *failure {
	hint := "The server sent clear text between the OK to STARTTLS and TLS: " +
		"commands or answers can be injected there. It was discarded."
	if strings.HasPrefix(strings.ToUpper(text), "* BYE") { // Dovecot with a key that does not belong to its certificate
		hint = "The server agreed to STARTTLS, and then closed the session in clear text instead of starting TLS; see its reply." +
			" A certificate or key that the server cannot use is a frequent reason."
	}
	f := c.fail(config.CausePlaintextAfterOK, hint).withEvidence(text)
	f.phase = config.PhaseStartTLS
	return f
}

// sendCommand sends one command and waits for its tagged answer.
func (c *conversation) sendCommand(name string) (response, error) {
	c.tags++
	tag := c.prober.tag + strconv.Itoa(c.tags)
	line := tag + " " + name
	c.writeTranscript(client, line)
	if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil && ioCause(err) == config.CauseTimeout {
		return response{}, c.connectionError(err) // any other error of writing has its reason in what can be read
	}
	for {
		r, err := c.readResponse()
		if err != nil {
			return r, err
		}
		switch r.tag {
		// Data that nobody knows is no failure; readResponse has kept what matters.
		case "*":
		case tag:
			if r.status == "OK" || r.status == "NO" || r.status == "BAD" {
				return r, nil
			}
			return r, c.protocolError(r)
		default:
			return r, c.protocolError(r)
		}
	}
}

// readResponse reads one response and keeps what matters of it.
func (c *conversation) readResponse() (response, error) {
	r, err := c.responses.nextResponse()
	if err != nil {
		return r, c.connectionError(err)
	}
	c.writeTranscript(server, r.raw)
	c.last = r
	if caps, ok := r.capabilities(); ok {
		c.caps = caps
	}
	if r.code == "ALERT" {
		c.noteAlert(r)
	}
	// A BYE in place of the greeting is judged by readGreeting.
	if r.tag == "*" && r.status == "BYE" && c.phase != config.PhaseGreeting {
		return r, c.bye(r)
	}
	return r, nil
}

func (c *conversation) protocolError(r response) *failure {
	hint := "The server's reply does not match the command."
	if what := protocolOf(r.raw); what != "" && what != "IMAP" {
		// nginx passes on the greeting of whatever answers at the port that it was led to.
		hint += " It looks like " + what + ": a proxy may forward to a wrong port."
	}
	return c.fail(config.CauseProtocolError, hint).withEvidence(r.raw)
}

// fail returns a failure of the service in the present phase.
func (c *conversation) fail(cause config.Cause, hint string) *failure {
	return serviceFailure(c.phase, cause, hint)
}

// close hangs up. A TLS session is closed with an alert as RFC 8446 section
// 6.1 wants it, unless the connection is broken anyway.
func (c *conversation) close() {
	if c.leave != nil {
		// Deferred, so that the next session of the user begins when this connection is closed.
		defer c.leave()
	}
	if c.fence == nil {
		return
	}
	if c.outcome.failure == nil {
		_ = c.conn.Close()
	}
	_ = c.fence.Close()
	c.unwatch()
	c.responses.release()
}

// noteAlert keeps what a server wants people to read, RFC 9051 section 7.1. Mailbox
// notices and announcements are no failure.
func (c *conversation) noteAlert(r response) {
	const enough = 4
	if len(c.outcome.notes) < enough {
		c.outcome.notes = append(c.outcome.notes, incident.Note{
			Cause: config.CauseAlert, Text: "The server sent an ALERT.",
			Evidence: opaque.Sanitise(r.text), Address: c.goal.ip.String(),
		})
	}
}
