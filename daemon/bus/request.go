package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
)

// errNoResponders is the answer of a server when nobody listens to the subject of a request.
var errNoResponders = errors.New("nobody listens to that subject")

// A request waits for answers.
type request struct {
	subject string
	collect func(*nats.Msg) (complete bool) // called with one answer after the other
	done    chan error                      // has room for one
}

func (r *request) finish(err error) {
	select {
	case r.done <- err:
	default: // it is finished already
	}
}

// request publishes a message and returns when collect has seen all answers that it wants. Nobody
// but the servers and whoever is asked knows the inbox, so that no other node can answer. After an
// error collect may still be running.
func (l *link) request(ctx context.Context, m *nats.Msg, collect func(*nats.Msg) (complete bool)) error {
	token := rand.Text()
	r := &request{subject: m.Subject, collect: collect, done: make(chan error, 1)}
	l.mu.Lock()
	l.requests[token] = r
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.requests, token)
		l.mu.Unlock()
	}()
	m.Reply = l.client.subjects.inbox(l.client.options.Node) + "." + token
	if err := l.trySend(m); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-l.ended:
		return ErrCut
	case <-l.client.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dispatch hands answers to the requests that wait for them, until the connection ends.
func (l *link) dispatch(answers <-chan *nats.Msg) {
	for {
		select {
		case <-l.ended:
			return
		case m := <-answers:
			l.deliver(m)
		}
	}
}

func (l *link) deliver(m *nats.Msg) {
	token := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	l.mu.Lock()
	r := l.requests[token]
	l.mu.Unlock()
	var err error
	switch {
	case r == nil: // it waits no more
		return
	case len(m.Data) == 0 && m.Header.Get("Status") == "503":
		err = errNoResponders
	case !r.collect(m):
		return
	}
	// Whoever asked reads what was collected. So collect must not be called again.
	l.mu.Lock()
	delete(l.requests, token)
	l.mu.Unlock()
	r.finish(err)
}

// failRequests ends those that were published under a subject, and reports whether there was one.
func (l *link) failRequests(subject string, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := false
	for _, r := range l.requests {
		if r.subject == subject {
			r.finish(err)
			found = true
		}
	}
	return found
}
