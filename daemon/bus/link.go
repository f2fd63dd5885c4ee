package bus

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"
)

const (
	// maxUnsent is how many bytes may wait to be written to a server that takes them too slowly. Only
	// then anything waits: on a link that works they are gone at once.
	maxUnsent = 8 << 20
	// measureEvery is how often the round trip is measured.
	measureEvery = 10 * time.Second
)

// A link is one connection to one server, from its beginning to its end. Since the library
// holds a lock while it writes to a socket, which may take up to a second, only a goroutine of the link's
// own calls it; everybody else leaves word in a queue.
type link struct {
	client    *client
	server    server
	nats      *nats.Conn
	ended     chan struct{} // closed by the library
	tasks     sync.WaitGroup
	roundTrip atomic.Int64
	onlyReads atomic.Bool // this node may not ask who leads the stream
	paused    atomic.Bool // it was ended by watchPauses
	left      atomic.Bool // it was ended by noteAnswer
	silence   silence     // of the journal

	unsent *semaphore.Weighted // bytes
	kick   chan struct{}       // has room for one: there is something in queue

	mu       sync.Mutex
	queue    []func(*nats.Conn)
	requests map[string]*request // by the last token of their inboxes
	subs     map[*listener]*nats.Subscription
	lossTold bool
}

func newLink(c *client, s server) *link {
	return &link{
		client: c, server: s, ended: make(chan struct{}),
		unsent: semaphore.NewWeighted(maxUnsent), kick: make(chan struct{}, 1),
		requests: map[string]*request{}, subs: map[*listener]*nats.Subscription{},
	}
}

func (l *link) start(conn *nats.Conn) {
	l.nats = conn
	l.tasks.Go(l.write)
	l.tasks.Go(l.measure)
	l.tasks.Go(l.watchPauses)
	answers := make(chan *nats.Msg, MaxWaiting)
	l.enqueue(func(conn *nats.Conn) {
		_, _ = conn.ChanSubscribe(l.client.subjects.inbox(l.client.options.Node)+".*", answers)
	})
	l.tasks.Go(func() { l.dispatch(answers) })
}

// enqueue has do called in the goroutine of the link, after what was enqueued before.
func (l *link) enqueue(do func(*nats.Conn)) {
	l.mu.Lock()
	l.queue = append(l.queue, do)
	l.mu.Unlock()
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// write calls what was enqueued. What is left when the connection ends is dropped.
func (l *link) write() {
	for {
		select {
		case <-l.ended:
			return
		case <-l.kick:
		}
		l.mu.Lock()
		queue := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, do := range queue {
			do(l.nats)
		}
	}
}

// trySend leaves a message to be sent, unless so much waits that the connection must be stuck.
func (l *link) trySend(m *nats.Msg) error {
	if l.hasEnded() || !l.unsent.TryAcquire(weight(m)) {
		return ErrCut
	}
	l.sendAcquired(m)
	return nil
}

// send is trySend, and waits for room.
func (l *link) send(ctx context.Context, m *nats.Msg) error {
	if err := l.unsent.Acquire(ctx, weight(m)); err != nil {
		return err
	}
	if l.hasEnded() {
		return ErrCut
	}
	l.sendAcquired(m)
	return nil
}

func (l *link) sendAcquired(m *nats.Msg) {
	l.enqueue(func(conn *nats.Conn) {
		defer l.unsent.Release(weight(m))
		if err := conn.PublishMsg(m); errors.Is(err, nats.ErrMaxPayload) {
			l.failRequests(m.Subject, ErrTooLarge)
		}
	})
}

// weight is never 0, so that the number of messages is bounded, too.
func weight(m *nats.Msg) int64 { return int64(len(m.Data)) + 256 }

func (l *link) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// drain waits until what was enqueued is written, for a while.
func (l *link) drain(most time.Duration) {
	written := make(chan struct{})
	l.enqueue(func(conn *nats.Conn) {
		_ = conn.FlushTimeout(most)
		close(written)
	})
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-written:
	case <-l.ended:
	case <-timer.C:
	}
}

// measure measures the round trip to the server, now and then.
func (l *link) measure() {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		if d, err := l.nats.RTT(); err == nil {
			l.roundTrip.Store(int64(d))
		}
		select {
		case <-l.ended:
			return
		case <-ticker.C:
		}
	}
}

// subscribe has a listener hear what its topic's subject carries.
func (l *link) subscribe(x *listener) {
	l.enqueue(func(conn *nats.Conn) {
		sub, err := conn.ChanSubscribe(l.client.subjects.of(x.topic), x.arrived)
		if err != nil {
			return // the connection has just ended
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.subs[x] = sub
	})
}

func (l *link) unsubscribe(x *listener) {
	l.enqueue(func(*nats.Conn) {
		l.mu.Lock()
		sub := l.subs[x]
		delete(l.subs, x)
		l.mu.Unlock()
		if sub != nil {
			_ = sub.Unsubscribe()
		}
	})
}

// reason returns why the connection ended.
func (l *link) reason() error {
	switch {
	case l.paused.Load():
		return errPaused
	case l.left.Load():
		return errCutOffServer
	}
	return l.nats.LastError()
}

// violation finds the subject in what a server says when it forbids something.
var violation = regexp.MustCompile(`(Publish|Subscription) to "([^"]+)"`)

// handleError is called by the library with what does not end the connection.
func (l *link) handleError(_ *nats.Conn, _ *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		l.noteForbidden(violation.FindStringSubmatch(err.Error()))
	case errors.Is(err, nats.ErrSlowConsumer):
		l.mu.Lock()
		told := l.lossTold
		l.lossTold = true
		l.mu.Unlock()
		if !told {
			l.client.options.Log("messages of the bus were lost", errors.New("this node did not read them in time"))
		}
	}
}

const (
	// forbiddenPause is how long it is not logged again that the servers forbid the same.
	forbiddenPause = time.Hour
	// mostForbidden bounds of how many subjects it is logged that the servers forbid them.
	mostForbidden = 32
)

// isNews reports whether it is to be logged that the servers forbid something. A node tries some things twice a
// second, so the same is logged once an hour.
func (c *client) isNews(what string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.forbidden[what]
	if known && now.Sub(last) < forbiddenPause || !known && len(c.forbidden) >= mostForbidden {
		return false
	}
	c.forbidden[what] = now
	return true
}

// noteForbidden ends requests that the servers did not take. What else they did not take is logged.
func (l *link) noteForbidden(found []string) {
	if found == nil {
		return
	}
	what, subject := found[1], found[2]
	if what == "Publish" && l.failRequests(subject, ErrForbidden) {
		return
	}
	if !l.client.isNews(what+" "+subject, time.Now()) {
		return
	}
	verb := map[string]string{"Publish": "publish", "Subscription": "listen to"}[what]
	l.client.options.Log("the servers of the bus forbid something to this node",
		fmt.Errorf("it may not %s %q", verb, subject))
}
