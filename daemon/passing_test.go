package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
)

// A pair is a node that follows, fra1, and one that decides.
type pair struct {
	follower *monitor
	answers  func(w http.ResponseWriter, r *http.Request) // of the node that decides
	own      http.Handler                                 // of the follower
	fails    error                                        // of asking
	says     []byte                                       // instead of answers
	asked    int
}

func newPair() *pair {
	p := &pair{follower: &monitor{}}
	decides := &passer{
		log: zap.NewNop(), doors: map[string]http.Handler{}, fault: func(w http.ResponseWriter, _ *http.Request, p *api.Problem) { w.WriteHeader(p.Status) },
	}
	for _, door := range []string{socketDoor, pageDoor} {
		decides.doors[door] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.answers(w, r) })
	}
	p.own = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") })
	p.follower.passer = &passer{
		node: "fra1", log: zap.NewNop(), follows: func() bool { return true }, decider: func() string { return "nyc1" },
		ask: func(ctx context.Context, question []byte) ([]byte, error) {
			p.asked++
			if p.fails != nil {
				return nil, p.fails
			}
			if p.says != nil {
				return p.says, nil
			}
			return decides.answer(ctx, "fra1", question[1:]), nil
		},
		addOwn:          func(_ context.Context, status []byte) ([]byte, error) { return append(status, " of fra1"...), nil },
		addOwnIncidents: func(_ context.Context, list []byte) ([]byte, error) { return append(list, " and own"...), nil },
		owns:            func(_ context.Context, id incident.ID) bool { return id == "own" },
		sends:           func(_ context.Context, key outbox.Key) bool { return key == "own/1" },
		linked:          func(r *http.Request) incident.ID { return incident.ID(r.PathValue("token")) },
	}
	return p
}

// ask asks the follower by a route.
func (p *pair) ask(t *testing.T, door, pattern, method, uri, body string, change func(*http.Request) *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, uri, strings.NewReader(body))
	if change != nil {
		r = change(r)
	}
	w := httptest.NewRecorder()
	p.follower.passing(door, pattern, p.own).ServeHTTP(w, r)
	return w
}

// What is asked of one node is asked of the one that decides as it was: method, path, query, body, host,
// headers that count, and who asks. So is the answer. Cookies stay where they were.
func TestARequestIsPassedOnAsItIs(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v := api.VisitorOf(r.Context())
		w.Header().Set("X-Kept", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, "%s %s %s %s %q %q %q %v %v", r.Method, r.Host, r.URL.Path, r.URL.RawQuery, body, r.Header.Get("Accept"), r.Header.Get("Cookie"), v.Name, v.Groups)
	}
	a := p.ask(t, pageDoor, "POST /api/v1/silences", "POST", "http://status.example/api/v1/silences?x=1", `{"check":"mx"}`, func(r *http.Request) *http.Request {
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Cookie", "secret")
		return r.WithContext(api.WithVisitor(r.Context(), &api.Visitor{Name: "anna", Groups: []config.GroupID{"acme"}}))
	})
	want := `POST status.example /api/v1/silences x=1 "{\"check\":\"mx\"}" "text/html" "" anna [acme]`
	if diff := cmp.Diff(want, a.Body.String()); diff != "" || a.Code != http.StatusTeapot || a.Header().Get("X-Kept") != "yes" {
		t.Errorf("%d (-want +got):\n%s", a.Code, diff)
	}
}

// The status has what is so here; what only ends like it stays as the other node has given it.
func TestOnlyTheStatusIsCompleted(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "theirs") }
	for uri, want := range map[string]string{
		"/v1/status": "theirs of fra1", "/v1/incidents": "theirs and own", "/v1/checks/acme/status": "theirs",
	} {
		if a := p.ask(t, socketDoor, "GET /v1/status", "GET", uri, "", nil); a.Body.String() != want {
			t.Errorf("%s: %q, want %q", uri, a.Body, want)
		}
	}
	visits := func(r *http.Request) *http.Request {
		return r.WithContext(api.WithVisitor(r.Context(), &api.Visitor{Groups: []config.GroupID{}}))
	}
	for uri, want := range map[string]string{"/api/v1/status": "theirs of fra1", "/p/status": "theirs", "/c/acme/status": "theirs"} {
		if a := p.ask(t, pageDoor, "GET /p/{path...}", "GET", uri, "", visits); a.Body.String() != want {
			t.Errorf("%s: %q, want %q", uri, a.Body, want)
		}
	}
}

// A link that acknowledges what is about this machine is followed here.
func TestALinkIsFollowedWhereItsIncidentIs(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "theirs") }
	for token, want := range map[string]string{"own": "own", "other": "theirs"} {
		a := p.ask(t, pageDoor, "POST /a/{token}", "POST", "/a/"+token, "", func(r *http.Request) *http.Request {
			r.SetPathValue("token", token)
			return r.WithContext(api.WithVisitor(r.Context(), &api.Visitor{Groups: []config.GroupID{}}))
		})
		if a.Body.String() != want {
			t.Errorf("%s: %q, want %q", token, a.Body, want)
		}
	}
	m := &monitor{}
	m.links.store(api.NewLinks(make([]byte, api.LinkKeySize)))
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/a/token", nil)
	if got := m.linkedIn(r); got != "" {
		t.Errorf("a request without a link is about %q", got)
	}
	r.SetPathValue("token", m.linkToken("0123456789", "people", time.Now().Add(time.Hour)))
	if got := m.linkedIn(r); got != "0123456789" {
		t.Errorf("the link is about %q", got)
	}
}

// What was given up of the messages about this machine is sent again, or dismissed, here.
func TestAMessageIsSentAgainWhereItIs(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "theirs") }
	for path, want := range map[string]string{
		"own%2F1": "own", "own%2F1/dismiss": "own", "other": "theirs", "other/dismiss": "theirs",
	} {
		a := p.ask(t, socketDoor, "POST /v1/deliveries/{key}", "POST", "/v1/deliveries/"+path, "{}", nil)
		if a.Body.String() != want {
			t.Errorf("%s: %q, want %q", path, a.Body, want)
		}
	}
}

// Whoever has asked for something while the node that decides changes reads who decides now, at once, and does
// not wait for an answer that cannot come.
func TestWhenAnotherNodeDecidesNowNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair()
		began := time.Now()
		p.follower.passer.ask = func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		p.follower.passer.decider = func() string {
			switch since := time.Since(began); {
			case since < 3*time.Second:
				return "nyc1"
			case since < 8*time.Second: // it was killed
				return ""
			}
			return "lon1"
		}
		a := p.ask(t, socketDoor, "POST /v1/recheck", "POST", "/v1/recheck", "{}", nil)
		if want := "lon1 decides now; look whether it was done, and run it again"; !strings.Contains(a.Body.String(), want) {
			t.Errorf("it reads %s", a.Body)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("it has waited %s", took)
		}
	})
}

// Each command says the same where the tracker that it was put to decides no longer.
func TestACommandSaysWhoDecidesNow(t *testing.T) {
	for given, want := range map[error]string{
		tracker.ErrStandby:    "fra1 decides now, and nothing was done; run it again",
		tracker.ErrStopped:    "fra1 decides now, and nothing was done; run it again",
		journal.ErrReplaced:   "fra1 decides now; look whether it was done, and run it again",
		errors.New("no such"): "no such",
	} {
		if got := decidedElsewhere("fra1", given); got.Error() != want {
			t.Errorf("%q is read as %q", given, got)
		}
	}
}

// Another node gets no answer to what is about this machine alone, whatever it claims of who asks.
func TestOtherNodesAskOnlyWhatConcernsAll(t *testing.T) {
	m := &monitor{counts: metrics.NewCounts(), node: "nyc1"}
	m.Log = zap.NewNop()
	m.vitals = &vitals{m: m}
	m.page = m.newPage()
	p := m.newPasser(&membership{})
	for _, q := range []passedRequest{
		{Door: socketDoor, Method: "POST", URI: "/v1/reload"},
		{Door: socketDoor, Method: "POST", URI: "/v1/plan"},
		{Door: socketDoor, Method: "POST", URI: "/v1/notify-test"},
		{Door: socketDoor, Method: "POST", URI: "/v1/nodes/begin"},
		{Door: socketDoor, Method: "POST", URI: "/v1/nodes/test"},
		{Door: pageDoor, Method: "POST", URI: "/api/v1/checks/mx1/imaps/test", Visitor: &api.Visitor{Rights: []api.Right{api.Operate}}},
		{Door: pageDoor, Method: "GET", URI: "/metrics", Visitor: &api.Visitor{Rights: []api.Right{api.Metrics}}},
	} {
		q.Author = "root"
		if answer := p.answer(t.Context(), "lon1", framed(q, nil)); !strings.Contains(string(answer), "nyc1 answers this to nobody on another node") {
			t.Errorf("%s %s: %q", q.Method, q.URI, answer)
		}
	}
}

// Who acts on the control socket is named with the node; a claim in the request counts as it does there.
func TestAnAuthorIsNamedWithTheNode(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, api.AuthorOf(r.Context(), "forged"))
	}
	known := func(r *http.Request) *http.Request {
		return r.WithContext(api.WithAuthor(r.Context(), func(claimed string) string { return "uid 7, says " + claimed }))
	}
	for _, test := range []struct{ pattern, method, uri, body string }{
		{"POST /v1/ack", "POST", "/v1/ack", `{"user":"anna"}`},
		{"DELETE /v1/silences/{id}", "DELETE", "/v1/silences/1?user=anna", ""},
	} {
		if a := p.ask(t, socketDoor, test.pattern, test.method, test.uri, test.body, known); a.Body.String() != "uid 7, says anna on fra1" {
			t.Errorf("%s: by %q", test.pattern, a.Body)
		}
	}
}

// What is about this machine is not passed on; a status has what is so here; events are refused.
func TestEachSideAnswersItsOwn(t *testing.T) {
	p := newPair()
	p.answers = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", "x")
		_, _ = io.WriteString(w, "decider")
	}
	for pattern, want := range map[string]string{
		"POST /v1/reload": "own", "GET /v1/nodes": "own", "GET /metrics": "own", "GET /v1/incidents": "decider and own", "GET /{$}": "decider",
		"GET /v1/status": "decider of fra1", "GET /api/v1/status": "decider of fra1",
	} {
		method, path, _ := strings.Cut(pattern, " ")
		if path == "/{$}" {
			path = "/"
		}
		a := p.ask(t, socketDoor, pattern, method, path, "", nil)
		if a.Body.String() != want {
			t.Errorf("%s: %q", pattern, a.Body)
		}
		if strings.HasSuffix(want, "fra1") && a.Header().Get("ETag") != "" {
			t.Errorf("%s: the tag says nothing of what is so here", pattern)
		}
	}
	if a := p.ask(t, socketDoor, "POST /v1/ack", "POST", "/v1/ack", `{"incident":"own"}`, nil); a.Body.String() != "own" {
		t.Errorf("of an incident of this machine: %q", a.Body)
	}
	if a := p.ask(t, socketDoor, "GET /v1/incidents/{id}/held", "GET", "/v1/incidents/own/held", "", nil); a.Body.String() != "own" {
		t.Errorf("why nobody was told of one: %q", a.Body)
	}
	before := p.asked
	a := p.ask(t, pageDoor, "GET /api/v1/events", "GET", "/api/v1/events", "", nil)
	if a.Code != http.StatusServiceUnavailable || !strings.Contains(a.Body.String(), "nyc1, which decides, gives events") || p.asked != before {
		t.Errorf("events: %d %s", a.Code, a.Body)
	}
}

// When nobody answers, what is known here is shown, and what was to be changed is refused in words.
func TestWhenNobodyAnswers(t *testing.T) {
	p := newPair()
	p.answers = func(http.ResponseWriter, *http.Request) { panic("a bug") }
	if a := p.ask(t, pageDoor, "GET /{$}", "GET", "/", "", nil); a.Body.String() != "own" {
		t.Errorf("when the other node fails: %q", a.Body)
	}
	for err, want := range map[error]string{
		bus.ErrCut:               "nothing was done: no node that decides is reached (the bus cannot be reached)",
		bus.ErrNobody:            "another one takes over within seconds, so try again",
		context.DeadlineExceeded: "nyc1 has not answered; look whether it was done",
	} {
		p.fails = err
		if a := p.ask(t, pageDoor, "GET /{$}", "GET", "/", "", nil); a.Code != http.StatusOK || a.Body.String() != "own" {
			t.Errorf("%v: %d %q", err, a.Code, a.Body)
		}
		a := p.ask(t, socketDoor, "POST /v1/ack", "POST", "/v1/ack", "{}", nil)
		if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), want) {
			t.Errorf("%v: %d %s", err, a.Code, a.Body)
		}
	}
	a := p.ask(t, socketDoor, "POST /v1/note", "POST", "/v1/note", strings.Repeat("x", mostPassed+1), nil)
	if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), "too large") {
		t.Errorf("too large: %d %s", a.Code, a.Body)
	}
}

// FuzzPassedRequest: what comes from another node never ends this one.
func FuzzPassedRequest(f *testing.F) {
	f.Add(framed(passedRequest{Door: socketDoor, Method: "GET", URI: "/v1/status"}, []byte("body")))
	f.Add(framed(passedRequest{Door: pageDoor, Method: "GET", URI: "//", Visitor: &api.Visitor{}}, nil))
	f.Add(framed(passedRequest{Door: pageDoor, Method: " ", URI: "%"}, nil))
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, question []byte) {
		p := &passer{log: zap.NewNop(), doors: map[string]http.Handler{}}
		for _, door := range []string{socketDoor, pageDoor} {
			p.doors[door] = http.NotFoundHandler()
		}
		answer := p.answer(t.Context(), "lon1", question)
		if answer == nil {
			return
		}
		if a, err := parseAnswer(answer); err != nil || a.Status == 0 {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// FuzzPassedAnswer: whatever the node that decides is said to have answered can be given to a client.
func FuzzPassedAnswer(f *testing.F) {
	f.Add(framed(passedAnswer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}}}, []byte("body")))
	for _, status := range []int{-1, 99, 101, 600, 1000} {
		f.Add(framed(passedAnswer{Status: status, Header: http.Header{"connection": {"close"}}}, nil))
	}
	f.Add([]byte{0xff, 0xff, 0xff})
	p := newPair().follower.passer
	f.Fuzz(func(t *testing.T, answer []byte) {
		a, err := parseAnswer(answer)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		p.giveAnswer(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/status", nil), &a) // it panics for a status that is none
		if w.Code != a.Status || w.Header().Get("Connection") != "" {
			t.Errorf("%d %v of %q", w.Code, w.Header(), answer)
		}
	})
}

// What another node answers with a status that is none is no answer, and what is known here is shown.
func TestAStatusThatIsNoneIsNoAnswer(t *testing.T) {
	for _, status := range []int{-1, 0, 99, 100, 199, 600, 1000} {
		p := newPair()
		p.says = framed(passedAnswer{Status: status}, []byte("theirs"))
		if a := p.ask(t, pageDoor, "GET /{$}", "GET", "/", "", nil); a.Code != http.StatusOK || a.Body.String() != "own" {
			t.Errorf("%d: %d %q", status, a.Code, a.Body)
		}
		a := p.ask(t, socketDoor, "POST /v1/ack", "POST", "/v1/ack", "{}", nil)
		if a.Code != http.StatusUnprocessableEntity || !strings.Contains(a.Body.String(), "nyc1 has not answered") {
			t.Errorf("%d: %d %s", status, a.Code, a.Body)
		}
	}
}

// Whoever asks on another node is named with that node, whatever it says of them and of itself.
func TestANodeVouchesForItsOwnPeopleOnly(t *testing.T) {
	for _, test := range []struct{ from, author, want string }{
		{"lon1", "anna on lon1", "anna on lon1"},
		{"lon1", "anna on fra1", "anna on fra1 on lon1"},
		{"lon1", "anna", "anna on lon1"},
		{"", "anna on fra1", "anna on fra1, as an earlier imapvigil says"},
		{"lon1", strings.Repeat("anna on fra1 ", 1000), strings.Repeat("anna on fra1 ", 7)[:89] + "\u2026 on lon1"},
	} {
		var by string
		p := &passer{log: zap.NewNop(), doors: map[string]http.Handler{socketDoor: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			by = api.AuthorOf(r.Context(), "forged")
		})}}
		p.answer(t.Context(), config.NodeID(test.from), framed(passedRequest{Door: socketDoor, Method: "POST", URI: "/v1/ack", Author: test.author}, nil))
		if by != test.want {
			t.Errorf("%q says that %.40q asks: it is %q, not %q", test.from, test.author, by, test.want)
		}
	}
}

// An answer that is too long for the bus is none.
func TestAnAnswerThatIsTooLong(t *testing.T) {
	k := &keptAnswer{passedAnswer: passedAnswer{Header: http.Header{}}, most: 3}
	if _, err := k.Write([]byte("1234")); !errors.Is(err, errTooLong) || k.Status != http.StatusInsufficientStorage {
		t.Errorf("%d, %v", k.Status, err)
	}
}
