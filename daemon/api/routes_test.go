package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// everything is a visitor who may do all; germany sees one group, and nobody sees nothing.
var (
	everything = &api.Visitor{Name: "anna", Rights: []api.Right{api.See, api.Operate}}
	germany    = &api.Visitor{Name: "carla", Rights: []api.Right{api.See, api.Operate}, Groups: []config.GroupID{"europe/germany"}}
	blind      = &api.Visitor{Name: "nemo", Rights: []api.Right{api.See}, Groups: []config.GroupID{}}
)

// tcp serves the routes to one visitor, as the listener does.
func tcp(d api.Daemon, v *api.Visitor) http.Handler {
	mux := http.NewServeMux()
	for _, route := range api.Routes(d) {
		mux.Handle(route.Pattern, route.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(api.WithVisitor(r.Context(), v)))
	})
}

// ask returns the answer to a request, with headers "Name: value" of it.
func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// read returns the JSON of an answer that must be one.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) (value T) {
	t.Helper()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("it is answered %d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestProgramsGetWhatTheCommandsPrint(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	h := tcp(f, everything)
	if s := read[api.Status](t, ask(h, "GET", "/api/v1/status", "")); len(s.Checks) != 6 || s.Config.Digest != "d1" {
		t.Errorf("status: %+v", s)
	}
	for query, want := range map[string]string{
		"state=down,paused": "paused", "group=germany": "mx1/imap mx1/imaps", "server=mx1&check=imaps": "mx1/imaps", "check=new&check=well": "new well",
	} {
		var ids []string
		for _, c := range read[api.Status](t, ask(h, "GET", "/api/v1/status?"+query, "")).Checks {
			ids = append(ids, string(c.ID))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("?%s is answered with %s, want %s", query, got, want)
		}
	}
	for _, path := range []string{"/api/v1/checks/mx1/imaps", "/api/v1/checks/mx1%2Fimaps"} {
		c := read[api.Check](t, ask(h, "GET", path, ""))
		if c.ID != "mx1/imaps" || c.CheckDetail == nil || len(c.Last) != 1 {
			t.Fatalf("%s: %+v", path, c)
		}
		var kinds []string
		for _, e := range c.Coming {
			kinds = append(kinds, string(e.Kind))
		}
		if got := strings.Join(kinds, " "); got != "silence_end closing probe escalation" {
			t.Errorf("what is coming: %s", got)
		}
	}
	list := read[api.Incidents](t, ask(h, "GET", "/api/v1/incidents?open&group=europe.germany&check=mx1", ""))
	if len(list.Incidents) != 1 || list.Incidents[0].ID != "dead0beef0" {
		t.Errorf("incidents: %+v", list)
	}
	one := read[api.Incidents](t, ask(h, "GET", "/api/v1/incidents/dead0beef0", ""))
	if len(one.Incidents) != 1 || len(one.Incidents[0].Held) != 2 {
		t.Errorf("one incident: %+v", one)
	}
	if list := read[api.Deliveries](t, ask(h, "GET", "/api/v1/deliveries", "")); len(list.Deliveries) != 2 {
		t.Errorf("undelivered messages: %+v", list)
	}
	if list := read[api.Deliveries](t, ask(h, "GET", "/api/v1/deliveries?all=true", "")); len(list.Deliveries) != 3 {
		t.Errorf("all messages: %+v", list)
	}
	coming := read[api.Coming](t, ask(h, "GET", "/api/v1/coming", ""))
	if len(coming.Coming) != 3 {
		t.Errorf("what is coming: %+v", coming)
	}
}

// A visitor who sees one group finds no word of another, and is told of what lies outside as of
// what does not exist.
func TestVisitorsSeeTheirGroupsAlone(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	theirs := tcp(f, germany)
	for _, path := range []string{"status", "status?check=mx1", "incidents", "incidents/dead0beef0", "deliveries?all", "checks/mx1/imaps", "certificates", "coming"} {
		w := ask(theirs, "GET", "/api/v1/"+path, "")
		text := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, text)
		}
		for _, secret := range []string{`"new"`, `"paused"`, `"racks"`, `"move"`, `"well"`, `"d1"`, "IPv6"} {
			if strings.Contains(strings.ReplaceAll(text, `"reason":"racks"`, ""), secret) {
				t.Errorf("%s tells of %s: %s", path, secret, text)
			}
		}
	}
	if s := read[api.Status](t, ask(theirs, "GET", "/api/v1/status", "")); len(s.Checks) != 2 || len(s.Silences) != 1 || s.Silences[0].Checks != 2 || s.Notifications.Dead != 1 {
		t.Errorf("status: %+v", s)
	}
	strangers := tcp(f, blind)
	if s := read[api.Status](t, ask(strangers, "GET", "/api/v1/status", "")); len(s.Checks)+len(s.Silences)+len(s.Groups)+s.Notifications.Dead != 0 {
		t.Errorf("status of nothing: %+v", s)
	}
	for there, gone := range map[string]string{
		"checks/well": "checks/none", "checks/mx1/imaps": "checks/mx1/none", "incidents/dead0beef0": "incidents/dead0none0",
		"status?check=well": "status?check=none", "status?group=europe": "status?group=none", "incidents?check=well": "incidents?check=none",
	} {
		hidden, missing := ask(strangers, "GET", "/api/v1/"+there, ""), ask(strangers, "GET", "/api/v1/"+gone, "")
		name := func(path string) string { return path[strings.LastIndexAny(path, "/=")+1:] }
		same := strings.ReplaceAll(hidden.Body.String(), name(there), "X") == strings.ReplaceAll(missing.Body.String(), name(gone), "X")
		if hidden.Code != http.StatusNotFound || missing.Code != http.StatusNotFound || !same {
			t.Errorf("%s is answered %d %s, and %s %d %s", there, hidden.Code, hidden.Body, gone, missing.Code, missing.Body)
		}
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	h := tcp(&fake{snapshot: shown(t)}, everything)
	for path, want := range map[string]int{
		"checks/none": 404, "checks/mx1/imaps/none": 404, "incidents/none": 404, "status?state=ill": 400, "status?limit=0": 400, "status?limit=x": 400,
		"incidents?cursor=!": 400, "incidents?open=perhaps": 400, "incidents?since=soon": 400, "deliveries?all=2": 400, "incidents?group=none": 404,
	} {
		w := ask(h, "GET", "/api/v1/"+path, "")
		var p api.Problem
		err := json.Unmarshal(w.Body.Bytes(), &p)
		if err != nil || w.Code != want || p.Status != want || p.Detail == "" || p.Title == "" || p.Type != "about:blank" || w.Header().Get("ETag") != "" {
			t.Errorf("%s is answered %d %s %v", path, w.Code, w.Body, err)
		}
		if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s is answered as %s", path, kind)
		}
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(api.WithProblemPage(r.Context(), func(w http.ResponseWriter, _ *http.Request, p *api.Problem) {
			w.WriteHeader(p.Status)
			_, _ = w.Write([]byte("<p>" + p.Title))
		})))
	})
	if w := ask(page, "GET", "/api/v1/checks/none", "", "Accept: text/html,*/*;q=0.8"); w.Code != 404 || w.Body.String() != "<p>Not Found" {
		t.Errorf("a browser is answered %d %s", w.Code, w.Body)
	}
	if w := ask(page, "GET", "/api/v1/checks/none", "", "Accept: */*"); w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a program is answered %s", w.Body)
	}
}

// Whoever has an answer is not sent it again, and nobody has that of another visitor.
func TestAnswersAreSentOnce(t *testing.T) {
	s := shown(t)
	tagOf := func(d api.Daemon, v *api.Visitor, path string) string {
		return ask(tcp(d, v), "GET", path, "").Header().Get("ETag")
	}
	f := &fake{snapshot: s}
	tag := tagOf(f, everything, "/api/v1/status")
	w := ask(tcp(f, everything), "GET", "/api/v1/status", "", "If-None-Match: "+tag)
	if tag == "" || w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("%s is answered %d with %d bytes", tag, w.Code, w.Body.Len())
	}
	next := *s
	next.Version++
	others := map[string]string{
		"of a later snapshot": tagOf(&fake{snapshot: &next}, everything, "/api/v1/status"),
		"of another visitor":  tagOf(f, germany, "/api/v1/status"),
		"of nobody's":         tagOf(f, blind, "/api/v1/status"),
		"of another question": tagOf(f, everything, "/api/v1/status?state=down"),
	}
	for what, other := range others {
		if other == tag {
			t.Errorf("the tag %s is the same", what)
		}
	}
}

func TestLongListsComeInPages(t *testing.T) {
	h := tcp(&fake{snapshot: shown(t)}, everything)
	var ids []string
	next := ""
	for range 9 {
		s := read[struct {
			api.Status
			Next string
		}](t, ask(h, "GET", "/api/v1/status?limit=2&cursor="+next, ""))
		for _, c := range s.Checks {
			ids = append(ids, string(c.ID))
		}
		if next = s.Next; next == "" {
			break
		}
	}
	if got := strings.Join(ids, " "); got != "mx1/imap mx1/imaps new paused racks well" {
		t.Errorf("the pages hold %s", got)
	}
	type part struct {
		Deliveries []api.DeliveryOf
		Next       string
	}
	first := read[part](t, ask(h, "GET", "/api/v1/deliveries?all&limit=1", ""))
	rest := read[part](t, ask(h, "GET", "/api/v1/deliveries?all&cursor="+first.Next, ""))
	if len(first.Deliveries) != 1 || len(rest.Deliveries) != 2 || rest.Next != "" || rest.Deliveries[0].Key == first.Deliveries[0].Key {
		t.Errorf("messages: %+v, then %+v", first, rest)
	}
}
