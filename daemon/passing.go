package daemon

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/web/pages"
)

// The doors by which a request comes in.
const (
	socketDoor = "socket" // the control socket
	pageDoor   = "page"   // TCP: pages, API and metrics
)

const (
	// showTime is how long another node may take to answer what it knows: half of the patience of a
	// client, so that there is time for an answer of this node.
	showTime = 5 * time.Second
	// doTime is how long it may take to do something, such as a probe of a slow server.
	doTime = 3 * time.Minute
)

// A passer passes what concerns all nodes to the one that decides, and answers what others pass.
type passer struct {
	node string // this one
	log  *zap.Logger
	// follows reports whether this node leaves to another one what concerns all.
	follows func() bool
	// decider returns the node that decides; empty: none is heard.
	decider func() string
	ask     func(ctx context.Context, question []byte) ([]byte, error)
	// addOwn puts what is so of this machine into the status that another node has given.
	addOwn func(ctx context.Context, status []byte) ([]byte, error)
	// addOwnIncidents adds this machine's own incidents to a list of the control socket.
	addOwnIncidents func(ctx context.Context, list []byte) ([]byte, error)
	// owns reports whether an incident is one of this machine alone.
	owns func(ctx context.Context, id incident.ID) bool
	// sends reports whether a message is one that this machine sends for itself alone.
	sends func(ctx context.Context, key outbox.Key) bool
	// linked returns the incident of the link that a request follows; empty: it follows none.
	linked func(*http.Request) incident.ID
	doors  map[string]http.Handler // what answers here, and passes nothing on
	// fault shows a problem to a browser.
	fault func(http.ResponseWriter, *http.Request, *api.Problem)
}

// passing returns what serves a route: h, or the node that decides.
func (m *monitor) passing(door, pattern string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := m.passer // made after the page, before anything is served
		if p == nil || !p.follows() {
			h.ServeHTTP(w, r)
			return
		}
		switch sideOf(pattern, r) {
		case sharedOne:
			p.passOn(w, r, door, h)
		case neither:
			p.refuse(w, r, door, errors.New("this node follows: "+p.whoDecides()+" gives events"))
		case ownSide, unsaid:
			h.ServeHTTP(w, r)
		}
	})
}

// routesOf returns routes that pass on what concerns all nodes.
func (m *monitor) routesOf(routes []api.Route) []api.Route {
	routes = slices.Clone(routes)
	for i := range routes {
		r := &routes[i]
		if limited, ok := r.Handler.(api.Limited); ok { // who asks too often is turned away here
			r.Handler = api.Limited{Handler: m.passing(pageDoor, r.Pattern, limited.Handler)}
			continue
		}
		r.Handler = m.passing(pageDoor, r.Pattern, r.Handler)
	}
	return routes
}

func (p *passer) whoDecides() string {
	if node := p.decider(); node != "" {
		return node + ", which decides,"
	}
	return "only the node that decides"
}

// passOn has the node that decides answer a request. When it does not, what this node knows is shown
// instead; nothing is changed.
func (p *passer) passOn(w http.ResponseWriter, r *http.Request, door string, h http.Handler) {
	shows := r.Method == http.MethodGet || r.Method == http.MethodHead
	limit := showTime
	if !shows {
		limit = doTime
		// The listener gives each answer only so long; what has no deadlines needs none.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(doTime + time.Minute))
	}
	question, err := p.questionOf(w, r, door)
	if err != nil {
		p.refuse(w, r, door, err)
		return
	}
	if p.isAboutOwn(r, question) {
		h.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	var a passedAnswer
	answer, err := p.askWhoDecides(ctx, question)
	if err == nil {
		a, err = parseAnswer(answer)
	}
	switch {
	case err == nil && a.Status != tooLongToPass:
		p.giveAnswer(w, r, &a)
	case shows:
		h.ServeHTTP(w, r)
	default:
		p.refuse(w, r, door, p.notDone(err))
	}
}

const (
	// changePause is how often it is looked whether another node decides than the one that was asked.
	changePause = 200 * time.Millisecond
	// lastWords is how long the one that was asked has to answer after another one has begun to decide.
	lastWords = 2 * time.Second
)

// A changedError says that another node decides now than the one that was asked.
type changedError struct{ decider string }

func (e *changedError) Error() string { return e.decider + " decides now" }

// askWhoDecides asks the node that decides. When another one does before it has answered, that is the
// error: no answer will come any more.
func (p *passer) askWhoDecides(ctx context.Context, question []byte) (answer []byte, err error) {
	asked := p.decider()
	ctx, giveUp := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer giveUp(nil)
	watching.Go(func() {
		var since time.Time
		_ = clock.Repeat(ctx, changePause, func() {
			switch now := p.decider(); {
			case asked == "" || now == "" || now == asked:
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			case time.Since(since) >= lastWords:
				giveUp(&changedError{now})
			}
		})
	})
	if answer, err = p.ask(ctx, question); err != nil {
		if changed, ok := errors.AsType[*changedError](context.Cause(ctx)); ok {
			err = changed
		}
	}
	return answer, err
}

// isAboutOwn reports whether a request is about an incident or a message of this machine alone.
func (p *passer) isAboutOwn(r *http.Request, question []byte) bool {
	if key := messageIn(r); key != "" {
		return p.sends(r.Context(), key)
	}
	id := cmp.Or(incidentIn(r, question), p.linked(r))
	return id != "" && p.owns(r.Context(), id)
}

// tooLongToPass is the status of an answer that the bus cannot carry.
const tooLongToPass = http.StatusInsufficientStorage

// notDone returns in words why nothing was done, or why that is not known.
func (p *passer) notDone(err error) error {
	switch {
	case errors.Is(err, bus.ErrCut): // nobody knows for how long
		return fmt.Errorf("nothing was done: no node that decides is reached (%w)", err)
	case errors.Is(err, bus.ErrNobody):
		return fmt.Errorf("nothing was done: no node that decides is reached (%w); another one takes over within seconds, "+
			"so try again", err)
	case isChanged(err):
		return fmt.Errorf("%w; look whether it was done, and run it again", err)
	case p.decider() == "":
		return errors.New("no answer has come, and no node that decides is reached; look whether it was done, and try again")
	}
	return fmt.Errorf("%s has not answered; look whether it was done, and try again", p.decider())
}

func isChanged(err error) bool {
	_, changed := errors.AsType[*changedError](err)
	return changed
}

// questionOf puts a request into what is asked of the node that decides.
func (p *passer) questionOf(w http.ResponseWriter, r *http.Request, door string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostPassed))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body)) // in case that this node answers after all
	q := passedRequest{
		Door: door, Method: r.Method, URI: r.URL.RequestURI(), Host: r.Host, Secure: r.TLS != nil, Header: http.Header{},
	}
	for _, name := range passedHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			q.Header[name] = values
		}
	}
	if door == socketDoor {
		q.Author = api.AuthorOf(r.Context(), claimedIn(r, body)) + senderWords(config.NodeID(p.node))
	} else {
		q.Visitor = api.VisitorOf(r.Context())
	}
	return append([]byte{askRequest}, framed(q, body)...), nil
}

// incidentIn returns which incident a request of the control socket is about; empty: none is named.
func incidentIn(r *http.Request, question []byte) incident.ID {
	if id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/incidents/"), "/held"); ok {
		return incident.ID(id)
	}
	var in struct {
		Incident incident.ID `json:"incident"`
	}
	var q passedRequest
	body, err := unframe(question[1:], &q)
	if err != nil || len(body) == 0 || json.Unmarshal(body, &in) != nil {
		return ""
	}
	return in.Incident
}

// messageIn returns which message a request of the control socket is about; empty: none is named.
func messageIn(r *http.Request) outbox.Key {
	key, ok := strings.CutPrefix(r.URL.Path, "/v1/deliveries/")
	if !ok {
		return ""
	}
	return outbox.Key(strings.TrimSuffix(key, "/dismiss"))
}

// claimedIn returns who a request of the control socket says that they are.
func claimedIn(r *http.Request, body []byte) string {
	var s api.Signature
	if len(body) > 0 && json.Unmarshal(body, &s) == nil {
		return s.User
	}
	return r.URL.Query().Get("user")
}

// giveAnswer answers with what the other node has answered.
func (p *passer) giveAnswer(w http.ResponseWriter, r *http.Request, a *passedAnswer) {
	body := a.body
	var add func(context.Context, []byte) ([]byte, error)
	switch {
	case a.Status != http.StatusOK:
	case r.URL.Path == "/v1/status", r.URL.Path == "/api/v1/status":
		add = p.addOwn
	case r.URL.Path == "/v1/incidents":
		add = p.addOwnIncidents
	}
	if add != nil {
		with, err := add(r.Context(), body)
		if err != nil {
			p.log.Warn("what the node that decides has answered cannot be completed", zap.Error(err))
		} else {
			body = with
			a.Header.Del("ETag") // it does not change with what is so here
		}
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(body) // of the type that the other node says; the client has gone when this fails
}

// refuse answers with why nothing can be answered.
func (p *passer) refuse(w http.ResponseWriter, r *http.Request, door string, err error) {
	if door == socketDoor {
		api.Refuse(w, err)
		return
	}
	api.WriteProblem(w, r, api.NewProblem(http.StatusServiceUnavailable, err.Error()))
}

// sharing returns what answers a route for other nodes: h, if the route concerns all of them. What is about
// this machine alone is answered on its own doors only, by which whoever asks is known.
func (p *passer) sharing(door, pattern string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sideOf(pattern, r) != sharedOne {
			p.refuse(w, r, door, fmt.Errorf("%s answers this to nobody on another node", p.node))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// answer answers a request that another node has passed on.
func (p *passer) answer(ctx context.Context, from config.NodeID, question []byte) []byte {
	kept := &keptAnswer{passedAnswer: passedAnswer{Header: http.Header{}}, most: bus.MaxAnswer - mostHead}
	if err := p.servePassed(ctx, from, kept, question); err != nil {
		p.log.Warn("a request that another node has passed on is not answered", zap.Error(err))
		return nil
	}
	if kept.Status == 0 {
		kept.Status = http.StatusOK
	}
	return framed(kept.passedAnswer, kept.body)
}

// mostHead is the most bytes that a question or an answer has before its body.
const mostHead = 128 << 10

// servePassed has what answers here answer what another node has passed on.
func (p *passer) servePassed(ctx context.Context, from config.NodeID, w http.ResponseWriter, question []byte) (err error) {
	var q passedRequest
	body, err := unframe(question, &q)
	if err != nil {
		return err
	}
	h := p.doors[q.Door]
	if h == nil {
		return fmt.Errorf("there is no door %q", q.Door)
	}
	ctx = api.WithSender(ctx, senderWords(from))
	if q.Door == socketDoor {
		author := strings.TrimSuffix(q.Author, senderWords(from))
		ctx = api.WithAuthor(ctx, func(string) string { return author })
	} else {
		if q.Visitor == nil {
			return errNotPassed
		}
		ctx = api.WithProblemPage(api.WithVisitor(ctx, q.Visitor), p.fault)
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, q.URI, bytes.NewReader(body))
	if err != nil {
		return errors.Join(errNotPassed, err)
	}
	r.Host, r.Header, r.RequestURI = q.Host, q.Header, q.URI
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if q.Secure {
		r.TLS = &tls.ConnectionState{}
	}
	defer func() {
		if fault := recover(); fault != nil { // net/http does the same for its connections
			err = fmt.Errorf("answering %s %s: %v", q.Method, q.URI, fault)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// senderWords returns what stands behind the name of whoever asks on another node, which has proved which one it
// is; an earlier imapvigil proves nothing.
func senderWords(from config.NodeID) string {
	if from == "" {
		return ", as an earlier imapvigil says"
	}
	return " on " + string(from)
}

// showFault shows a problem to the browser of a visitor of another node.
func (m *monitor) showFault(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	pages.WriteFault(w, r, m.reloads.configInForce(), pages.Fault{Status: p.Status, Text: p.Detail})
}

// A question to another node begins with one of these.
const (
	askRequest  = 'r' // of who decides: a request that was passed on
	askLinkKey  = 'k' // of who decides: the key of the links that acknowledge, which all nodes share
	askStepDown = 'd' // of one node: that it stops deciding
	askTest     = 't' // of one node: that it probes a check, and the result does not count
	askPast     = 'p' // of one node: what its history knows, see daemon/elsewhere
)
