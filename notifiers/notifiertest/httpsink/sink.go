// Package httpsink is an HTTP server that keeps what it is given, in the place
// of a webhook's receiver, of Slack or of an SMS gateway: for tests and for the
// demo, which shows messages as they would be sent.
//
// It owns a listener on loopback, the requests it accepted, and the misbehaviour
// it was told to show ([Behaviour]). It never calls anybody, and it does not
// import testing.
//
// A caller may rely on this: a request is in [Sink.Requests] before the client
// reads the answer, and [Sink.Close] returns when no handler is left.
package httpsink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
)

// A Request is one accepted request.
type Request struct {
	Method string
	Path   string // with the query
	Header http.Header
	Body   []byte
}

// Field gives a field of a body that is a form (application/x-www-form-urlencoded).
func (r Request) Field(name string) string {
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return string(r.Body)
	}
	return values.Get(name)
}

// A Response is what a sink answers.
type Response struct {
	Status int
	Header http.Header
	Body   string
	// Unfinished says that nothing comes after Body, while the connection stays open: the
	// header announces more (Content-Length).
	Unfinished bool
}

// Options say what kind of server to be.
type Options struct {
	// Address to listen at, on loopback, as that of a sink which was closed;
	// empty: 127.0.0.1 and a free port.
	Address string
	// TLS is the server's certificate; nil: plain HTTP.
	TLS *tls.Config
	// Answer makes the answer to a request, and says with a status of 2xx that
	// the request is accepted; nil: [NoContent]. See also [Slack] and [Twilio].
	Answer func(Request) Response
}

// A Sink is a running server.
type Sink struct {
	options  Options
	server   *http.Server
	listener net.Listener
	served   chan struct{}
	closing  chan struct{}
	handlers sync.WaitGroup
	close    func() error
	reached  chan struct{}
	mirrored atomic.Int64 // how often the sink was a mirror

	mu        sync.Mutex
	behaviour Behaviour
	requests  []Request
	arrived   chan struct{} // closed and replaced when a request is accepted
}

// Start begins to serve.
func Start(options Options) (*Sink, error) {
	listener, err := net.Listen("tcp", cmp.Or(options.Address, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("starting HTTP sink: %w", err)
	}
	if options.Answer == nil {
		options.Answer = NoContent
	}
	s := &Sink{
		options: options, listener: listener,
		served: make(chan struct{}), closing: make(chan struct{}),
		arrived: make(chan struct{}), reached: make(chan struct{}, 64),
	}
	s.close = sync.OnceValue(s.shutdown)
	s.server = &http.Server{Handler: s, TLSConfig: options.TLS, ErrorLog: log.New(io.Discard, "", 0)}
	go s.serve()
	return s, nil
}

func (s *Sink) serve() {
	defer close(s.served)
	if s.options.TLS != nil {
		_ = s.server.ServeTLS(s.listener, "", "")
		return
	}
	_ = s.server.Serve(s.listener)
}

// URL returns the sink's root, without a slash at the end.
func (s *Sink) URL() string {
	scheme := "http://"
	if s.options.TLS != nil {
		scheme = "https://"
	}
	return scheme + s.listener.Addr().String()
}

// ServeHTTP implements [http.Handler].
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.enter()
	defer s.handlers.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	request := Request{Method: r.Method, Path: r.RequestURI, Header: r.Header.Clone(), Body: body}
	response, ok := s.misbehave(r.Context(), request)
	if !ok {
		response = s.options.Answer(request)
	}
	if response.Status/100 == 2 {
		// Before the answer: whoever has read that finds the request in Requests.
		s.keep(request)
	}
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.Status)
	_, _ = io.WriteString(w, response.Body)
	if response.Unfinished {
		_ = http.NewResponseController(w).Flush()
		s.untilGone(r.Context())
		panic(http.ErrAbortHandler)
	}
}

// untilGone waits until the client has gone, or the sink is closed.
func (s *Sink) untilGone(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.closing:
	}
}

// enter counts a handler, unless nobody would wait for it any more.
func (s *Sink) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		panic(http.ErrAbortHandler)
	default:
		s.handlers.Add(1)
	}
}

func (s *Sink) keep(request Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// Requests gives what was accepted, in order.
func (s *Sink) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Wait returns the first n requests as soon as there are that many, or the
// context's error.
func (s *Sink) Wait(ctx context.Context, n int) ([]Request, error) {
	for {
		s.mu.Lock()
		requests, arrived := slices.Clone(s.requests), s.arrived
		s.mu.Unlock()
		if len(requests) >= n {
			return requests[:n], nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends every request and waits for the handlers.
func (s *Sink) Close() error { return s.close() }

func (s *Sink) shutdown() error {
	// Under mu, so that enter counts no handler after Wait has begun.
	s.mu.Lock()
	close(s.closing)
	s.mu.Unlock()
	err := s.server.Close()
	<-s.served
	s.handlers.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
