package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// mostUnsent is how many events may wait for a client. One that reads slower is let go, and comes
// again with the id of its last event.
const mostUnsent = 16

// A hub tells all who watch what has changed. While somebody does, its one goroutine takes a
// snapshot a second, which costs the tracker what has changed, and encodes each change once; what a
// client does with it, or does not, is nothing to others.
type hub struct {
	daemon Daemon
	left   chan struct{} // holds one when the last client has left

	mu      sync.Mutex
	clients map[*client]bool
	running bool
}

// A client is somebody who watches.
type client struct {
	visitor *Visitor
	about   config.CheckID // the check that is watched; empty: all
	address string
	events  chan told // closed when the hub lets go of it
}

// told is what a client is told of a snapshot; timed: time alone has brought it, in the same
// snapshot.
type told struct {
	version uint64
	timed   bool
	text    []byte
}

// audience returns the same text for clients who are told the same.
func (c *client) audience() string {
	if c.visitor.Groups == nil {
		return "all\x00" + string(c.about)
	}
	groups := make([]string, 0, len(c.visitor.Groups))
	for _, g := range c.visitor.Groups {
		groups = append(groups, string(g))
	}
	slices.Sort(groups)
	return "some\x00" + string(c.about) + "\x00" + strings.Join(groups, "\x00")
}

// sees reports whether a client is told of a check.
func (c *client) sees(s *tracker.Snapshot, id config.CheckID) bool {
	return (c.about == "" || c.about == id) && view{s, c.visitor}.seesIncidentsOf(id)
}

// join adds a client. From when it returns, nothing that changes is missed.
func (h *hub) join(ctx context.Context, c *client) error {
	// Before the lock: it may take the tracker a while.
	now, err := h.daemon.Snapshot(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	same := 0
	for other := range h.clients {
		if other.address == c.address {
			same++
		}
	}
	if len(h.clients) >= mostClients || same >= mostOfOneAddress {
		return NewProblem(http.StatusTooManyRequests, "too many streams of events are open")
	}
	if h.clients == nil {
		h.clients = map[*client]bool{}
	}
	h.clients[c] = true
	if !h.running {
		h.running = true
		go h.run(now)
	}
	return nil
}

// leave removes a client that is gone.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
	if len(h.clients) == 0 {
		select {
		case h.left <- struct{}{}:
		default:
		}
	}
}

// isWatched reports whether there are clients. The hub ends when there is none.
func (h *hub) isWatched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = len(h.clients) > 0
	return h.running
}

// watching lists the clients.
func (h *hub) watching() (list []*client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients {
		list = append(list, c)
	}
	return list
}

// letGo ends the streams of clients.
func (h *hub) letGo(list ...*client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range list {
		if h.clients[c] {
			delete(h.clients, c)
			close(c.events)
		}
	}
}

// run tells those who watch what has changed since a snapshot, once a second, as long as anybody
// does.
func (h *hub) run(last *tracker.Snapshot) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	clock := newClockwork(last)
	for {
		select {
		case <-ticker.C:
		case <-h.left:
			if h.isWatched() {
				continue // somebody has come since
			}
			return
		}
		if !h.isWatched() {
			return
		}
		now, err := h.snapshot()
		// After the snapshot: who joins later says hello with one that is as new.
		list := h.watching()
		switch {
		case errors.Is(err, tracker.ErrStopped):
			h.letGo(list...)
		case err != nil: // the next second may be better
		case now.Config != last.Config, now.Source != last.Source:
			h.tell(list, now, newTelling(last, now, nil).reload())
			// Who they are, and what they may see, may be another thing now: they come again. So they do
			// when another tracker than before has the incidents, whose changes cannot be told.
			h.letGo(list...)
			last, clock = now, newClockwork(now)
		default:
			if t := newTelling(last, now, clock.changed(last, now)); t.gather(h.daemon.NextProbe) {
				h.tell(list, now, t.textFor)
			}
			last = now
		}
	}
}

// snapshot returns what is known now, unless the tracker takes too long.
func (h *hub) snapshot() (*tracker.Snapshot, error) {
	ctx, cancel := context.WithTimeout(context.Background(), sendWithin)
	defer cancel()
	return h.daemon.Snapshot(ctx)
}

// tell hands each client its text of a snapshot, which is made once for all who are told the same.
func (h *hub) tell(list []*client, now *tracker.Snapshot, textFor func(*client) (text []byte, timed bool)) {
	texts := map[string]told{}
	for _, c := range list {
		key := c.audience()
		e, made := texts[key]
		if !made {
			text, timed := textFor(c)
			e = told{now.Version, timed, text}
			texts[key] = e
		}
		if len(e.text) == 0 {
			continue
		}
		select {
		case c.events <- e:
		default:
			h.letGo(c)
		}
	}
}
