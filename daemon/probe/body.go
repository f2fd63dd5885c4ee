package probe

import (
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

const logoutPatience = 2 * time.Second // an unanswered LOGOUT is no fault, and not worth more waiting

// A session is the part of a conversation that go-imap holds.
type session struct {
	*conversation
	gate   *gate
	client *imapclient.Client
}

// body is the conversation once the connection is as safe as it will be. At
// least one command is answered in it: CAPABILITY, or ID where the greeting
// told the capabilities.
func (c *conversation) body() error {
	if c.caps == nil || !c.caps.has("ID") {
		if err := c.step(incident.PhaseCapability, c.ask); err != nil {
			return err
		}
	}
	c.outcome.address.Capabilities = c.caps
	s := &session{conversation: c, gate: newGate(c.conn, c.responses, c.caps, c.said)}
	s.client = imapclient.New(s.gate, nil)
	defer func() { _ = s.client.Close() }()
	if err := s.client.WaitGreeting(); err != nil {
		return s.failed()
	}
	if c.caps.has("ID") {
		if err := s.step(incident.PhaseCapability, s.identify); err != nil {
			return err
		}
	}
	return s.step(incident.PhaseLogout, s.logout)
}

func (c *conversation) ask() error {
	c.caps = nil
	return c.learn()
}

// identify says who is asking, RFC 2971. What the server answers is its own
// business; that it answers is not.
func (s *session) identify() error {
	_, err := s.client.ID(&imap.IDData{Name: "imapvigil", Version: s.prober.version}).Wait()
	return s.unlessRefused(err)
}

// unlessRefused forgives NO and BAD.
func (s *session) unlessRefused(err error) error {
	if _, refused := errors.AsType[*imap.Error](err); err == nil || refused {
		return nil
	}
	return s.failed()
}

func (s *session) logout() error {
	s.fence.shorten(logoutPatience)
	_ = s.client.Logout().Wait() // RFC 9051 section 6.1.3; cut or unanswered is no fault
	return nil
}

// failed turns an error of go-imap into a failure of the present phase. The
// gate knows the reason, go-imap only that there is one.
func (s *session) failed() *failure {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.last = s.gate.last
	switch {
	case s.gate.bye != nil:
		return s.bye(*s.gate.bye)
	case s.gate.stray != nil:
		return s.protocolError(*s.gate.stray)
	case s.gate.err != nil:
		return s.broken(s.gate.err)
	}
	return s.fail(incident.CauseProtocolError, "The server's answer does not fit what was asked.").quoting(s.gate.last)
}
