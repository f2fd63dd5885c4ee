package imaptest

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
)

// memoryListener hands a Memory's connections to go-imap's server, except
// while it hangs.
type memoryListener struct {
	net.Listener
	memory *Memory
}

func (l memoryListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		m := l.memory
		m.mu.Lock()
		hanging := m.hanging
		m.conns[conn] = struct{}{}
		// Counted before it is served, so that Close waits for it.
		m.sessions.Add(1)
		m.mu.Unlock()
		counted := &countedConn{Conn: conn, memory: m}
		if hanging {
			go counted.swallow()
			continue
		}
		if m.options.StartTLS {
			return counted, nil
		}
		return tls.Server(counted, m.tlsConfig()), nil
	}
}

// countedConn tells its Memory when it is closed, which is the last that
// go-imap's server does with a connection.
type countedConn struct {
	net.Conn
	memory *Memory
	once   sync.Once
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	// A second Close must not take the WaitGroup below zero.
	c.once.Do(func() {
		c.memory.mu.Lock()
		delete(c.memory.conns, c.Conn)
		c.memory.mu.Unlock()
		c.memory.sessions.Done()
	})
	return err
}

// swallow reads until the client has gone.
func (c *countedConn) swallow() {
	_, _ = io.Copy(io.Discard, c.Conn)
	_ = c.Close()
}
