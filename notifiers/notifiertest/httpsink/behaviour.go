package httpsink

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// An Action is what a misbehaving sink does.
type Action int

// The actions.
const (
	Nothing Action = iota // behave well
	Answer                // with Response, whatever was asked
	Stall                 // stay silent until the client goes or the sink is closed
	Drop                  // close the connection
	Mirror                // refuse with Response around all of the request
)

// A Behaviour is what a sink does instead of answering well.
type Behaviour struct {
	Do       Action
	Response Response
	// Around makes the answer of Mirror around the text that repeats the request; nil:
	// status 400 with the text as body.
	Around func(text string) Response
	// Only says for which requests; nil: for all.
	Only func(Request) bool
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
	if b.Do == Nothing || b.Only != nil && !b.Only(request) {
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
		s.untilGone(ctx)
	case Mirror:
		return s.mirror(request, b.Around), true
	case Drop, Nothing:
	}
	panic(http.ErrAbortHandler) // net/http closes the connection, silently
}

// mirror answers as a careless server does, which shows what it did not like. Each time it
// begins with another part, since a client shows the beginning of an answer.
func (s *Sink) mirror(r Request, around func(string) Response) Response {
	parts := []string{r.Method + " " + r.Path, string(r.Body)}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		parts = append(parts, name+": "+strings.Join(r.Header[name], ", "))
	}
	first := int(s.mirrored.Add(1)-1) % len(parts)
	text := "bad request: " + strings.Join(slices.Concat(parts[first:], parts[:first]), ", ")
	if around == nil {
		return Response{Status: http.StatusBadRequest, Body: text}
	}
	return around(text)
}
