package smtpsink

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/emersion/go-smtp"
)

// A listener knows its connections, so that closing ends them, and misbehaves
// before the greeting, where the server offers no hook.
type listener struct {
	net.Listener
	sink *Sink

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup // connections that never reach the server
}

func newListener(inner net.Listener, s *Sink) *listener {
	return &listener{Listener: inner, sink: s, conns: map[net.Conn]struct{}{}}
}

// Accept returns connections that are to be greeted.
func (l *listener) Accept() (net.Conn, error) {
	for {
		plain, err := l.Listener.Accept()
		if err != nil {
			// The server returns after this error, and Close promises that no goroutine is
			// left.
			l.wg.Wait()
			return nil, err
		}
		var conn net.Conn = &tracked{Conn: plain, forget: l.forget}
		if !l.remember(conn) {
			_ = conn.Close()
			continue
		}
		if l.sink.options.Implicit {
			conn = tls.Server(conn, l.sink.options.TLS)
		}
		if _, told := l.sink.behaviour(Greeting, ""); !told {
			return conn, nil
		}
		l.wg.Go(func() { l.misgreet(conn) })
	}
}

// misgreet does what the sink was told for the greeting, and closes the connection.
func (l *listener) misgreet(conn net.Conn) {
	defer conn.Close()
	var answer *smtp.SMTPError
	if errors.As(l.sink.misbehave(conn, Greeting, ""), &answer) {
		_, _ = fmt.Fprintf(conn, "%d %s\r\n", answer.Code, answer.Message)
	}
}

func (l *listener) remember(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.sink.closing:
		// closeConns may have been there already, and would miss this one.
		return false
	default:
		l.conns[conn] = struct{}{}
		return true
	}
}

func (l *listener) forget(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

func (l *listener) closeConns() {
	l.mu.Lock()
	conns := make([]net.Conn, 0, len(l.conns))
	for conn := range l.conns {
		conns = append(conns, conn)
	}
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

type tracked struct {
	net.Conn
	forget func(net.Conn)
}

func (t *tracked) Close() error {
	t.forget(t)
	return t.Conn.Close()
}
