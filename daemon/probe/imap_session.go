package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const logoutPatience = 2 * time.Second // an unanswered LOGOUT is no fault, and not worth more waiting

// A session is the part of a conversation that go-imap holds.
type session struct {
	*conversation
	gate   *gate
	client *imapclient.Client
	lost   bool // nothing that is sent now will be understood
}

// askCapabilities asks for the capabilities and compares them with what the check requires, once
// the connection is as safe as it will be. At least one command is answered in it: CAPABILITY, or
// ID where the greeting told the capabilities.
func (c *conversation) askCapabilities() error {
	if !c.caps.has("ID") {
		// Has CAPABILITY sent even where the greeting told the capabilities.
		c.caps = nil
		if err := c.timePhase(config.PhaseCapability, c.fetchCapabilities); err != nil {
			return err
		}
	}
	c.judgeCapabilities()
	if !c.caps.has("ID") {
		return nil
	}
	return c.timePhase(config.PhaseCapability, c.sendClientID)
}

// sendClientID sends ID with the name and version of this program, RFC 2971. Whatever the server
// answers is right; that it answers is what counts.
func (c *conversation) sendClientID() error {
	version := ""
	if c.prober.version != "" {
		version = fmt.Sprintf(" \"version\" %q", c.prober.version)
	}
	// Some servers let nobody open a mailbox ("Unsafe Login") who did not send ID.
	_, err := c.sendCommand(`ID ("name" "imapvigil"` + version + ")")
	return err
}

// loginAndLogout goes through the login, the mailbox and LOGOUT, which go-imap sends. Where no
// login is due go-imap would only send LOGOUT, and its goroutine and its buffers would cost more
// than the whole conversation before.
func (c *conversation) loginAndLogout() error {
	// Without verified TLS no password is sent, whatever the goal asks for.
	if !c.goal.login || !c.secured {
		return c.timePhase(config.PhaseLogout, c.takeLeave)
	}
	s := &session{conversation: c, gate: newGate(c)}
	s.client = imapclient.New(s.gate, nil)
	err := s.logInAndOut()
	for _, r := range s.gate.alerts {
		s.noteAlert(r)
	}
	if f, failed := err.(*failure); failed { //nolint:errorlint // a failure is never wrapped
		f.evidence = s.withAlerts(f)
	}
	return err
}

func (s *session) logInAndOut() error {
	defer s.client.Close() // waits for go-imap's goroutine: after it, the gate is ours alone
	failed := s.logInAndOpen()
	if !s.lost {
		_ = s.timePhase(config.PhaseLogout, s.logout)
	}
	return failed
}

// judgeCapabilities compares what the server offers with what was asserted.
func (c *conversation) judgeCapabilities() {
	c.outcome.capable = true
	var missing []string
	for want := range strings.FieldsSeq(c.check.RequireCapabilities) {
		if !c.caps.has(want) {
			missing = append(missing, want)
		}
	}
	for _, have := range c.caps {
		// Masked as everything else: a hostile server may offer a password as a capability.
		c.outcome.address.Capabilities = append(c.outcome.address.Capabilities, c.redact.redactText(have))
	}
	if len(missing) > 0 {
		c.addFinding(incident.Finding{
			Condition: config.ConditionCapability, Health: incident.Degraded, Phase: config.PhaseCapability, Cause: config.CauseCapabilityMissing,
			Hint:     "The server does not offer " + strings.Join(missing, ", ") + ", which the check requires.",
			Evidence: opaque.Sanitise(strings.Join(c.outcome.address.Capabilities, " ")),
		})
	}
}

// stillThere returns the failure of a server that sent BYE, or something that is no response,
// beside a good answer; else nil.
func (s *session) stillThere() error {
	s.gate.mu.Lock()
	gone := s.gate.bye != nil || s.gate.stray != nil
	s.gate.mu.Unlock()
	if gone {
		return s.connectionFailure()
	}
	return nil
}

// takeLeave sends LOGOUT without a session; a server that cuts it short or does not
// answer it is not at fault (RFC 9051, section 6.1.3).
func (c *conversation) takeLeave() error {
	c.fence.shortenDeadline(logoutPatience)
	began := time.Now()
	if _, err := c.sendCommand("LOGOUT"); err != nil {
		c.waited += time.Since(began)
	}
	return nil
}

func (s *session) logout() error {
	s.fence.shortenDeadline(logoutPatience)
	s.gate.expectLast()
	began := time.Now()
	if err := s.client.Logout().Wait(); err != nil { // RFC 9051 section 6.1.3; cut or unanswered is no fault
		s.waited += time.Since(began)
	}
	return nil
}

// connectionFailure returns the failure of the present phase after go-imap gave up. The gate
// knows the reason, go-imap only that there is one.
func (s *session) connectionFailure() *failure {
	s.lost = true
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.last = s.gate.last
	switch {
	// The BYE comes first: the closed connection is only what follows from it.
	case s.gate.bye != nil:
		return s.bye(*s.gate.bye)
	case s.gate.stray != nil:
		return s.protocolError(*s.gate.stray)
	case s.gate.err != nil:
		return s.connectionError(s.gate.err)
	}
	return s.protocolError(s.gate.last)
}

// taggedAnswer returns the tagged response to the last command, and the untagged NO or BAD
// that came before it, if any.
func (s *session) taggedAnswer() (answer, reason response) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.answer, s.gate.reason
}

// withAlerts adds [ALERT] texts to the words that are quoted with a failure.
func (s *session) withAlerts(f *failure) opaque.Words {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	words := f.evidence.String()
	for _, r := range s.gate.alerts {
		if !strings.Contains(words, r.raw) {
			words += " " + r.raw
		}
	}
	return opaque.Sanitise(words)
}
