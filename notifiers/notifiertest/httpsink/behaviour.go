package httpsink

import (
	"context"
	"fmt"
	"net/http"
)

// An Action is what a misbehaving sink does.
type Action int

// The actions.
const (
	Nothing Action = iota // behave well
	Answer                // with Response, whatever was asked
	Stall                 // stay silent until the client goes or the sink is closed
	Drop                  // close the connection
	Mirror                // refuse with 400 and repeat all of the request
)

// A Behaviour is what a sink does instead of answering well.
type Behaviour struct {
	Do       Action
	Response Response
}

// Behave makes the sink misbehave from now on, in place of what it was told
// before; the zero Behaviour makes it well again.
func (s *Sink) Behave(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

// Reached yields a value each time that a behaviour took effect, so that a test
// can act while the client waits. At most 64 are kept.
func (s *Sink) Reached() <-chan struct{} { return s.reached }

// misbehave does what the sink was told to do wrong; told is false when it was told
// nothing. It panics to close the connection.
func (s *Sink) misbehave(ctx context.Context, request Request) (response Response, told bool) {
	s.mu.Lock()
	b := s.behaviour
	s.mu.Unlock()
	if b.Do == Nothing {
		return Response{}, false
	}
	// A test that does not read Reached must not stop the sink.
	select {
	case s.reached <- struct{}{}:
	default:
	}
	switch b.Do {
	case Answer:
		return b.Response, true
	case Stall:
		select {
		case <-ctx.Done():
		case <-s.closing:
		}
	case Mirror:
		return mirror(request), true
	case Drop, Nothing:
	}
	panic(http.ErrAbortHandler) // net/http closes the connection, silently
}

// mirror answers as a careless server does, which shows what it did not like.
func mirror(r Request) Response {
	body := fmt.Sprintf("bad request: %s %s", r.Method, r.Path)
	for name, values := range r.Header {
		for _, value := range values {
			body += fmt.Sprintf(", %s: %s", name, value)
		}
	}
	return Response{Status: http.StatusBadRequest, Body: body + ", " + string(r.Body)}
}
