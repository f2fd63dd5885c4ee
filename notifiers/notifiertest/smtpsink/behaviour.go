package smtpsink

import (
	"net"
	"slices"

	"github.com/emersion/go-smtp"
)

// A Stage is a moment of the conversation at which a sink can misbehave.
type Stage int

// The stages.
const (
	Greeting Stage = iota // before the 220
	Auth                  // when the credentials were given
	Mail                  // at MAIL FROM
	Rcpt                  // at RCPT TO
	Data                  // when the message was read, before it is kept
	Reply                 // when the message is kept, before the client hears of it
)

// An Action is what a misbehaving sink does.
type Action int

// The actions.
const (
	Answer Action = iota // with Code and Text instead of going on
	Stall                // stay silent until the client goes or the sink is closed
	Drop                 // close the connection
)

// A Behaviour is one thing a sink does wrong.
type Behaviour struct {
	At   Stage
	Do   Action
	Code int // of Answer; one of 2xx at Reply changes the words of acceptance
	// Text is that of Answer; it may begin with an enhanced code (RFC 3463). At Auth $secret in it is the password that
	// was given, and $base64 the same in base64.
	Text string
	To   string // at Rcpt: only for this address; empty: for all
}

// misbehave does what the sink was told for this stage, and returns nil when
// that is nothing.
func (s *Sink) misbehave(conn net.Conn, at Stage, to string) error {
	b, ok := s.behaviour(at, to)
	if !ok {
		return nil
	}
	// A test that does not read Reached must not stop the sink.
	select {
	case s.reached <- at:
	default:
	}
	switch b.Do {
	case Stall:
		s.stall(conn)
	case Drop:
		_ = conn.Close()
	case Answer:
		return &smtp.SMTPError{Code: b.Code, EnhancedCode: smtp.NoEnhancedCode, Message: b.Text}
	}
	return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.NoEnhancedCode, Message: "4.3.2 going down"}
}

// behaviour returns what the sink was told for a stage and, at Rcpt, a recipient.
func (s *Sink) behaviour(at Stage, to string) (Behaviour, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.behaviours, func(b Behaviour) bool {
		return b.At == at && (b.To == "" || b.To == to)
	})
	if i < 0 {
		return Behaviour{}, false
	}
	return s.behaviours[i], true
}

// stall says nothing until the client closes the connection or sends something
// (which no client does while it waits), or the sink is closed.
func (s *Sink) stall(conn net.Conn) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = conn.Read(make([]byte, 1))
	}()
	select {
	case <-gone:
	case <-s.closing:
	}
	// Closing ends the read, whose goroutine must not outlive the sink.
	_ = conn.Close()
	<-gone
}
