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
	// requestPause and readingPause are how long a client may pause before it asks, and
	// while it reads, when others want its place. The command line asks and reads
	// without a pause; where a busy machine held it up for longer, it asks again.
	requestPause, readingPause = 200 * time.Millisecond, 500 * time.Millisecond
	// placeEvery is the pause between two looks for a place when there is none.
	placeEvery = 20 * time.Millisecond
)

// clients are those that are connected: few, so that they cannot take the file
// descriptors that probes and messages need. One that comes when all places are taken
// gets the place of a client that lets the daemon wait: that does not ask, or does not
// read. A client that waits for the daemon keeps its place.
type clients struct {
	mu    *sync.Mutex
	all   map[*client]bool
	freed chan struct{} // holds one when a place may be free
}

func newClients() clients {
	return clients{mu: &sync.Mutex{}, all: map[*client]bool{}, freed: make(chan struct{}, 1)}
}

// admit returns a connection as that of a client once there is a place for it, or closed
// when the socket is closing.
func (s *clients) admit(conn net.Conn, most int, closing <-chan struct{}) net.Conn {
	c := &client{Conn: conn, clients: s}
	for !s.takePlace(c, most) {
		// A client becomes overdue as time passes, of which nothing tells.
		look := time.NewTimer(placeEvery)
		select {
		case <-s.freed:
		case <-look.C:
		case <-closing:
			_ = conn.Close() // the server finds out when it reads
			return conn
		}
		look.Stop()
	}
	return c
}

// takePlace gives a client one of so many places, that of the client which is overdue
// most if all are taken. It reports whether there was one.
func (s *clients) takePlace(c *client, most int) bool {
	now := time.Now()
	s.mu.Lock()
	var slowest *client
	if len(s.all) >= most {
		for other := range s.all {
			if other.overdue(now) > 0 && (slowest == nil || other.overdue(now) > slowest.overdue(now)) {
				slowest = other
			}
		}
		if slowest == nil {
			s.mu.Unlock()
			return false
		}
		// At once, and not when its Close comes: the place is given away here.
		delete(s.all, slowest)
	}
	c.waitedForSince, c.pause = now, requestPause
	s.all[c] = true
	s.mu.Unlock()
	if slowest != nil {
		_ = slowest.Close() // without the lock, which its Close takes
	}
	return true
}

func (s *clients) leavePlace(c *client) {
	s.mu.Lock()
	delete(s.all, c)
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// A client is the connection of one client.
type client struct {
	net.Conn
	clients *clients
	once    sync.Once // sets the deadline for reading the answer

	// Guarded by clients.mu.
	waitedForSince time.Time     // by the daemon; zero: the client waits for the daemon
	pause          time.Duration // that the client may make then
}

// overdue returns for how much longer than it may the client has let the daemon wait;
// not above 0: it has not. clients.mu is held.
func (c *client) overdue(now time.Time) time.Duration {
	if c.waitedForSince.IsZero() {
		return 0
	}
	return now.Sub(c.waitedForSince) - c.pause
}

func (c *client) setWaiting(since time.Time, pause time.Duration) {
	c.clients.mu.Lock()
	defer c.clients.mu.Unlock()
	c.waitedForSince, c.pause = since, pause
}

// clientWaits notes that the client waits for the daemon.
func (c *client) clientWaits() { c.setWaiting(time.Time{}, 0) }

// awaitRequest notes that the daemon waits for the request of the client.
func (c *client) awaitRequest() { c.setWaiting(time.Now(), requestPause) }

// awaitReading notes that the daemon waits until the client has read.
func (c *client) awaitReading() { c.setWaiting(time.Now(), readingPause) }

// Write implements [net.Conn]. The whole answer must be read within readTime; each part
// of it that is read gives the client another readingPause.
func (c *client) Write(p []byte) (written int, err error) {
	// A socket holds about 200 KiB (net.core.wmem_default), so a part goes out as soon as
	// the client reads at all.
	const part = 64 << 10
	c.once.Do(func() { _ = c.SetWriteDeadline(time.Now().Add(readTime)) })
	defer c.clientWaits()
	for {
		c.awaitReading()
		n, err := c.Conn.Write(p[:min(part, len(p))])
		written, p = written+n, p[n:]
		if err != nil || len(p) == 0 {
			return written, err
		}
	}
}

// Close implements [net.Conn].
func (c *client) Close() error {
	c.clients.leavePlace(c)
	return c.Conn.Close()
}
