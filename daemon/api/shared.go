package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"

	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A sharedAnswer is made of a snapshot once for all who asked before it was begun: with
// 100,000 checks it has 40 MB, and must not be made for each of many clients side by
// side. Who asks later gets the next one, so that nobody is told less than was known
// when they asked.
type sharedAnswer struct {
	daemon Daemon
	make   func(*tracker.Snapshot) any

	making chan struct{} // holds one while an answer is being made

	mu   sync.Mutex
	next *sharedBody // which is not begun; nil: nobody waits for one
}

// A sharedBody is one answer. Its fields are set when done is closed.
type sharedBody struct {
	done chan struct{}
	text []byte
	err  error
}

func shared(d Daemon, of func(*tracker.Snapshot) any) *sharedAnswer {
	return &sharedAnswer{daemon: d, make: of, making: make(chan struct{}, 1)}
}

// ServeHTTP implements [http.Handler].
func (s *sharedAnswer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := s.bodyFor(r.Context())
	if err != nil {
		writeAnswer(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) //nolint:gosec // it is JSON, and said to be; the client has gone when this fails
}

// bodyFor returns an answer that holds all that was known when it was asked for.
func (s *sharedAnswer) bodyFor(ctx context.Context) (encoded, error) {
	s.mu.Lock()
	body := s.next
	first := body == nil
	if first {
		body = &sharedBody{done: make(chan struct{}), err: errors.New("the daemon could not answer")}
		s.next = body
	}
	s.mu.Unlock()
	if first {
		s.fill(context.WithoutCancel(ctx), body) // others wait for it, too
	} else {
		select {
		case <-body.done:
		case <-ctx.Done():
			return nil, ctx.Err() // the client has gone
		}
	}
	return body.text, body.err
}

// encoded is JSON.
type encoded []byte

// fill makes an answer once the one before it is made, and closes body.done.
func (s *sharedAnswer) fill(ctx context.Context, body *sharedBody) {
	defer close(body.done)
	// One at a time; those who come while this waits share its answer.
	s.making <- struct{}{}
	defer func() { <-s.making }()
	// Whoever asks from here on waits for the next answer: the snapshot of this one may
	// lack what they know to have happened.
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	snapshot, err := s.daemon.Snapshot(ctx)
	if err != nil {
		body.err = err
		return
	}
	var text bytes.Buffer
	body.err = json.NewEncoder(&text).Encode(s.make(snapshot))
	body.text = text.Bytes()
}
