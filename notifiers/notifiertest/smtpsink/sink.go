// Package smtpsink is a real SMTP server that keeps what it is given: for tests
// and for the demo, which shows messages as they would be sent.
//
// It owns a listener on loopback with STARTTLS or implicit TLS and AUTH, the
// envelopes and messages it accepted, and the misbehaviour it was told to show
// ([Behaviour]): stall, drop the connection, or answer with a code, at any stage
// of the conversation. It never relays anything, and it does not import testing.
//
// A caller may rely on this: a message is in [Sink.Messages] before the client
// reads that it was accepted, and [Sink.Close] returns when no goroutine is left.
package smtpsink

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"

	"github.com/emersion/go-smtp"
)

// Options say what kind of server to be.
type Options struct {
	// TLS is the server's certificate. Without it there is neither STARTTLS
	// nor TLS.
	TLS *tls.Config
	// Implicit speaks TLS from the first byte instead of offering STARTTLS.
	Implicit bool
	// Username and Password, when set, must be given before MAIL, over TLS.
	Username, Password string
	// Mechanisms are offered for AUTH; none: PLAIN and LOGIN. Also known are
	// CRAM-MD5, SCRAM-SHA-1 and SCRAM-SHA-256.
	Mechanisms []string
	// UTF8 offers SMTPUTF8 (RFC 6531).
	UTF8 bool
}

// An Envelope is one accepted message.
type Envelope struct {
	From string
	To   []string // in the order of RCPT, the refused ones left out
	Data []byte   // header and body, as after DATA
	User string   // who logged in; empty without AUTH
	// Mechanism is the SASL mechanism of the login.
	Mechanism string
	TLS       bool // whether the connection was encrypted
}

// A Sink is a running server.
type Sink struct {
	options  Options
	server   *smtp.Server
	listener *listener
	served   chan struct{}
	closing  chan struct{} // closed to end stalls
	close    func() error

	mu         sync.Mutex
	behaviours []Behaviour
	messages   []Envelope
	arrived    chan struct{} // closed and replaced when a message arrives
	reached    chan Stage
}

// Start listens on a free port of 127.0.0.1.
func Start(options Options) (*Sink, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting SMTP sink: %w", err)
	}
	s := &Sink{
		options: options,
		served:  make(chan struct{}),
		closing: make(chan struct{}),
		arrived: make(chan struct{}),
		reached: make(chan Stage, 64),
	}
	s.server = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.server.Domain = "sink.example"
	s.server.TLSConfig = options.TLS
	s.server.EnableSMTPUTF8 = options.UTF8
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.listener = newListener(plain, s)
	s.close = sync.OnceValue(s.shutdown)
	go func() {
		defer close(s.served)
		_ = s.server.Serve(s.listener)
	}()
	return s, nil
}

// Port returns where the sink listens, on 127.0.0.1.
func (s *Sink) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Addr returns host:port.
func (s *Sink) Addr() string { return s.listener.Addr().String() }

// Behave makes the sink misbehave from now on, in place of what it was told
// before; without an argument it is well again.
func (s *Sink) Behave(behaviours ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviours = slices.Clone(behaviours)
}

// Reached yields each stage at which a told behaviour took effect, so that a
// test can act while the client waits. At most 64 are kept.
func (s *Sink) Reached() <-chan Stage { return s.reached }

// Messages gives what was accepted, in order.
func (s *Sink) Messages() []Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns the first n messages as soon as there are that many, or the
// context's error.
func (s *Sink) Wait(ctx context.Context, n int) ([]Envelope, error) {
	for {
		s.mu.Lock()
		messages, arrived := slices.Clone(s.messages), s.arrived
		s.mu.Unlock()
		if len(messages) >= n {
			return messages[:n], nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends every conversation and waits for the goroutines.
func (s *Sink) Close() error { return s.close() }

func (s *Sink) shutdown() error {
	close(s.closing)
	err := s.listener.Close()
	s.listener.closeConns()
	_ = s.server.Shutdown(context.Background()) // says that the listener is closed
	<-s.served
	return err
}

func (s *Sink) keep(e Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, e)
	close(s.arrived)
	s.arrived = make(chan struct{})
}
