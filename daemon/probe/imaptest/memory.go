package imaptest

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// MemoryOptions are what a Memory is made of.
type MemoryOptions struct {
	// Address to listen at, on loopback; empty: 127.0.0.1 and a free port.
	Address string
	// Certificate to show.
	Certificate tls.Certificate
	// StartTLS offers STARTTLS instead of speaking TLS from the start.
	StartTLS bool
	// Username and Password of the one account, which has an INBOX.
	Username, Password string
}

// A Memory is a well-behaved server that can be made to fail and to recover
// while it runs. Its address stays the same, and its own: while it refuses
// connections nothing else is given the port.
type Memory struct {
	options  MemoryOptions
	users    *imapmemserver.Server
	port     *ReservedPort
	sessions sync.WaitGroup

	mu          sync.Mutex
	listener    net.Listener
	server      *imapserver.Server
	certificate tls.Certificate
	hanging     bool
	conns       map[net.Conn]struct{}
	accepting   sync.WaitGroup
}

// StartMemory makes a server and lets it serve.
func StartMemory(o MemoryOptions) (*Memory, error) {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	user := imapmemserver.NewUser(o.Username, o.Password)
	if err := user.Create("INBOX", nil); err != nil {
		return nil, fmt.Errorf("making an INBOX: %w", err)
	}
	port, err := ReservePort(o.Address)
	if err != nil {
		return nil, err
	}
	m := &Memory{options: o, users: imapmemserver.New(), port: port, certificate: o.Certificate, conns: map[net.Conn]struct{}{}}
	m.users.AddUser(user)
	if err := m.Serve(); err != nil {
		port.Close()
		return nil, err
	}
	return m, nil
}

// Addr returns where the server listens, or will listen again.
func (m *Memory) Addr() netip.AddrPort { return m.port.Addr() }

// Serve accepts and answers connections, also again after Refuse or Hang.
func (m *Memory) Serve() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hanging = false
	if m.listener != nil {
		// Those who were left hanging get no answer any more: they have to connect again.
		m.dropAll()
		return nil
	}
	listener, err := listen(m.port.Addr().String())
	if err != nil {
		return err
	}
	m.listener = listener
	m.server = imapserver.New(m.serverOptions())
	accepting := memoryListener{Listener: listener, memory: m}
	server := m.server
	m.accepting.Go(func() { _ = server.Serve(accepting) })
	return nil
}

// Refuse refuses connections from now on: nothing listens at the address, and those who are
// connected are cut off.
func (m *Memory) Refuse() {
	m.mu.Lock()
	listener, server := m.listener, m.server
	m.listener, m.server = nil, nil
	m.mu.Unlock()
	if server != nil {
		_ = server.Close()
		_ = listener.Close() // when the server had not begun to serve it yet
	}
	// A connection that was accepted just before is among m.conns only after this.
	m.accepting.Wait()
	m.mu.Lock()
	m.dropAll()
	m.mu.Unlock()
}

// Hang accepts connections from now on and says nothing.
func (m *Memory) Hang() error {
	if err := m.Serve(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hanging = true
	return nil
}

// Show shows another certificate from the next connection on.
func (m *Memory) Show(certificate tls.Certificate) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.certificate = certificate
}

// Close ends everything and waits for it.
func (m *Memory) Close() {
	m.Refuse()
	m.sessions.Wait()
	m.port.Close()
}

// dropAll cuts everybody off. m.mu is held.
func (m *Memory) dropAll() {
	for conn := range m.conns {
		_ = conn.Close()
	}
	clear(m.conns)
}

func (m *Memory) serverOptions() *imapserver.Options {
	o := &imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return m.users.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}},
		// Clients that break off are what tests are about, and no news.
		Logger: log.New(io.Discard, "", 0),
	}
	if m.options.StartTLS {
		o.TLSConfig = m.tlsConfig()
	}
	return o
}

func (m *Memory) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Asked at each handshake, so that Show needs no new listener.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			certificate := m.certificate
			return &certificate, nil
		},
	}
}
