package web

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// MostConnections is how many connections are open at once.
	MostConnections = 256

	headerTime = 10 * time.Second // to send the headers of a request
	readTime   = 30 * time.Second // to send the rest of it
	writeTime  = 60 * time.Second // to read the answer; a stream sets its own deadlines
	idleTime   = 2 * time.Minute  // between two requests
	mostHeader = 64 << 10
	mostBody   = 64 << 10
	// mostFormBody is what those may send who have not shown who they are.
	mostFormBody = 8 << 10
	mostStreams  = 64 // of HTTP/2 on a connection
)

// newHTTPServer makes the server of one door.
func (s *Server) newHTTPServer(ctx context.Context, d *door) *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		// net/http adds 4 KiB of its own.
		MaxHeaderBytes: mostHeader - 4<<10,
		BaseContext:    func(net.Listener) context.Context { return context.WithValue(ctx, doorKey{}, d) },
		ConnState:      s.places.noteState,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: mostStreams, WriteByteTimeout: readTime, SendPingTimeout: readTime, PingTimeout: headerTime,
		},
		// It would log each client that does not speak TLS.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

type doorKey struct{}

// places bounds the connections. When all are taken, whoever comes gets the place of the one
// that has waited longest without a request: clients that send nothing, or half a header, keep
// nobody out.
type places struct {
	most int
	mu   sync.Mutex
	// waiting says since when each connection has waited for a request; zero: one is being
	// answered.
	waiting map[*connection]time.Time
}

func newPlaces(most int) *places {
	return &places{most: most, waiting: map[*connection]time.Time{}}
}

// Accept implements [net.Listener]: it admits the next client for whom there is a place.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &connection{Conn: conn, places: d.places}
		if !d.places.admit(c) {
			_ = conn.Close()
			continue
		}
		if settings := d.tls.Load(); settings != nil {
			return tls.Server(c, settings), nil
		}
		return c, nil
	}
}

// A connection leaves its place when it is closed.
type connection struct {
	net.Conn
	places *places
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	c.places.leave(c)
	return c.Conn.Close()
}

// admit gives a connection a place, and reports whether there was one.
func (p *places) admit(c *connection) bool {
	p.mu.Lock()
	var longest *connection
	if len(p.waiting) >= p.most {
		for other, since := range p.waiting {
			if !since.IsZero() && (longest == nil || since.Before(p.waiting[longest])) {
				longest = other
			}
		}
		if longest == nil {
			p.mu.Unlock()
			return false
		}
		delete(p.waiting, longest) // its Close comes later than the place is given away
	}
	p.waiting[c] = time.Now()
	p.mu.Unlock()
	if longest != nil {
		_ = longest.Close() // without the lock, which it takes
	}
	return true
}

func (p *places) leave(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, c)
}

// noteState notes whether a connection waits for a request.
func (p *places) noteState(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, ok := conn.(*connection)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, admitted := p.waiting[c]; !admitted {
		return // its place was given away
	}
	switch state {
	case http.StateActive, http.StateHijacked:
		p.waiting[c] = time.Time{}
	case http.StateIdle:
		p.waiting[c] = time.Now()
	case http.StateNew, http.StateClosed:
	}
}
