package bus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A server that has lost the others goes on carrying messages among those who are connected to it,
// and nobody answers there for the journal, while the other servers have elected a new leader within 9 seconds.
// So after a while a client tries its luck with another server: longer each time, since it may
// be that most servers are gone.
const (
	firstSilence   = 8 * time.Second
	longestSilence = 2 * time.Minute
)

// errCutOffServer is why a connection was ended to a server where nobody answers for the journal.
var errCutOffServer = errors.New("nobody answers for the journal there")

// A silence is how long nobody has answered for the journal on a link.
type silence struct {
	mu    sync.Mutex
	since time.Time // zero: somebody answered last
}

// noteOutcome takes what came of a question that began at a time, and returns how long nobody has
// answered.
func (s *silence) noteOutcome(began time.Time, err error) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errAgain), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errNoResponders):
		if s.since.IsZero() {
			s.since = began
		}
		return time.Since(s.since)
	case errors.Is(err, context.Canceled), errors.Is(err, ErrCut), errors.Is(err, ErrClosed), errors.Is(err, ErrForbidden):
		return 0 // that says nothing about it
	}
	s.since = time.Time{}
	return 0
}

// noteAnswer takes what came of a question to whoever leads the stream, and ends the connection if
// nobody has answered for too long and there are other servers.
func (l *link) noteAnswer(began time.Time, err error) {
	c, silent := l.client, l.silence.noteOutcome(began, err)
	if err == nil {
		c.patience.Store(int64(firstSilence))
	}
	limit := time.Duration(c.patience.Load())
	if silent < limit || len(c.access.servers) < 2 || !l.left.CompareAndSwap(false, true) {
		return
	}
	c.patience.Store(int64(min(2*limit, longestSilence)))
	l.enqueue((*nats.Conn).Close)
}
