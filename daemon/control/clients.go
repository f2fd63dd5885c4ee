package control

import (
	"net"
	"sync"
	"time"
)

const (
	// MostClients is how many clients are served at a time, unless [Socket.Most] says
	// fewer.
	MostClients = 64
	// askPause and readPause are how long a client may take to ask, and to go on
	// reading, while others want its place. The command line asks and reads without
	// a pause; where it was held up for longer by a busy machine, it asks again.
	askPause, readPause = 200 * time.Millisecond, 500 * time.Millisecond
	// roomEvery is how often it is looked for a place when there is none.
	roomEvery = 20 * time.Millisecond
)

// Clients are those who are connected: few, so that they cannot take the file
// descriptors that probes and messages need. Who comes when all places are taken
// gets that of a client who lets the daemon wait: who does not ask, or does not
// read. Whoever waits for the daemon keeps its place.
type clients struct {
	mu    *sync.Mutex
	all   map[*client]bool
	freed chan struct{} // holds one when a place may be free
}

func newClients() clients {
	return clients{mu: &sync.Mutex{}, all: map[*client]bool{}, freed: make(chan struct{}, 1)}
}

// admit makes a connection a client's as soon as there is a place, or the socket
// is closing.
func (s *clients) admit(conn net.Conn, most int, closing <-chan struct{}) net.Conn {
	c := &client{Conn: conn, clients: s}
	for !s.enter(c, most) {
		look := time.NewTimer(roomEvery)
		select {
		case <-s.freed:
		case <-look.C:
		case <-closing:
			_ = conn.Close() // whoever accepts it finds out
			return conn
		}
		look.Stop()
	}
	return c
}

// enter reports whether there was a place among so many, or could be made.
func (s *clients) enter(c *client, most int) bool {
	now := time.Now()
	s.mu.Lock()
	var idlest *client
	if len(s.all) >= most {
		for other := range s.all {
			if other.idle(now) > 0 && (idlest == nil || other.idle(now) > idlest.idle(now)) {
				idlest = other
			}
		}
		if idlest == nil {
			s.mu.Unlock()
			return false
		}
		delete(s.all, idlest)
	}
	c.waits, c.pause = now, askPause
	s.all[c] = true
	s.mu.Unlock()
	if idlest != nil {
		_ = idlest.Close()
	}
	return true
}

func (s *clients) leave(c *client) {
	s.mu.Lock()
	delete(s.all, c)
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// A client is the connection of one.
type client struct {
	net.Conn
	clients *clients
	once    sync.Once // it has a deadline for reading its answer

	// Guarded by clients.mu.
	waits time.Time     // since when the daemon waits for the client; zero: it does not
	pause time.Duration // which it may make then
}

// idle is for how much too long the daemon has been waiting for the client; not
// above 0: it has not. clients.mu is held.
func (c *client) idle(now time.Time) time.Duration {
	if c.waits.IsZero() {
		return 0
	}
	return now.Sub(c.waits) - c.pause
}

func (c *client) wait(since time.Time, pause time.Duration) {
	c.clients.mu.Lock()
	defer c.clients.mu.Unlock()
	c.waits, c.pause = since, pause
}

// works notes that the client waits for the daemon.
func (c *client) works() { c.wait(time.Time{}, 0) }

// asks notes that the daemon waits for what the client asks.
func (c *client) asks() { c.wait(time.Now(), askPause) }

// reads notes that the daemon waits until the client has read.
func (c *client) reads() { c.wait(time.Now(), readPause) }

// Write implements [net.Conn]. The whole answer must be read within readTime; as
// long as some of it is read, the client is not idle.
func (c *client) Write(p []byte) (written int, err error) {
	const some = 64 << 10 // bytes; less than a socket holds
	c.once.Do(func() { _ = c.SetWriteDeadline(time.Now().Add(readTime)) })
	defer c.works()
	for {
		c.reads()
		n, err := c.Conn.Write(p[:min(some, len(p))])
		written, p = written+n, p[n:]
		if err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// Close implements [net.Conn].
func (c *client) Close() error {
	c.clients.leave(c)
	return c.Conn.Close()
}
