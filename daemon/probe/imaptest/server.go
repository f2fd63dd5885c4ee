package imaptest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A Server follows a script.
type Server struct {
	script   Script
	certs    *Certificates
	listener net.Listener // nil: it talks only on connections that it is given
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu        sync.Mutex
	accepted  int
	received  bytes.Buffer
	commands  []string
	surprises []string
}

// New makes a server that talks on the connections that Talk gives it: the other
// end of a net.Pipe, in a bubble of testing/synctest. certs may be nil for
// scripts without TLS.
func New(script Script, certs *Certificates) *Server {
	s := &Server{script: script, certs: certs}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start begins to serve at a loopback address such as "127.0.0.1:0" or
// "[::1]:0".
func Start(address string, script Script, certs *Certificates) (*Server, error) {
	listener, err := listen(address)
	if err != nil {
		return nil, err
	}
	s := New(script, certs)
	s.listener = listener
	s.running.Go(s.accept)
	return s, nil
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for a test server: %w", err)
	}
	// A server that behaves badly on purpose must be open to nobody else.
	if !netip.MustParseAddrPort(listener.Addr().String()).Addr().IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("listening for a test server: %s is not a loopback address", address)
	}
	return listener, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() netip.AddrPort { return netip.MustParseAddrPort(s.listener.Addr().String()) }

// Close ends everything and waits for it.
func (s *Server) Close() {
	// Ends pauses and hangs up, so that Wait below returns.
	s.cancel()
	if s.listener != nil {
		_ = s.listener.Close()
	}
	s.running.Wait()
}

// Received returns every byte that came over the network, encrypted or not, of all connections.
func (s *Server) Received() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.received.Bytes())
}

// Commands returns the lines that clients sent, after decryption, without tags.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Surprises returns the commands that a script did not expect, and why scripts could not go on.
func (s *Server) Surprises() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.surprises)
}

// Connections returns how many connections were accepted.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.Talk(conn)
	}
}

// Talk plays the next part of the script on a connection, in a goroutine of its
// own.
func (s *Server) Talk(conn net.Conn) {
	s.mu.Lock()
	steps := s.script.connection(s.accepted)
	s.accepted++
	s.mu.Unlock()
	s.running.Go(func() { s.play(conn, steps) })
}

// play runs one connection's part of the script to its end.
func (s *Server) play(conn net.Conn, steps []step) {
	// Reading knows no context: closing the connection is what ends it.
	hangUp := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	defer hangUp()
	p := newPlayer(s, conn)
	defer p.close()
	for _, step := range steps {
		if err := p.do(step); err != nil {
			return
		}
	}
}

// tap records what is read from the network.
type tap struct {
	net.Conn
	server *Server
}

func (t tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.server.mu.Lock()
	t.server.received.Write(p[:n])
	t.server.mu.Unlock()
	return n, err
}

func (s *Server) heard(command string) {
	s.mu.Lock()
	s.commands = append(s.commands, command)
	s.mu.Unlock()
}

func (s *Server) surprise(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	s.mu.Lock()
	s.surprises = append(s.surprises, strings.TrimSpace(err.Error()))
	s.mu.Unlock()
	return err
}
