package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// post asks for something with JSON.
func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	return ask(h, "POST", "/api/v1/"+path, body, "Content-Type: application/json")
}

// What is done over TCP has the visitor as its author, whatever else the request says.
func TestActionsHaveTheVisitorAsAuthor(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	h := tcp(f, everything)
	acked := read[api.Acknowledged](t, post(h, "incidents/dead0beef0/ack", `{"reason":"on it","until":"2h"}`))
	if f.by != "anna" || f.acked != "dead0beef0" || acked.By != "anna" || acked.Before == nil || f.until.Sub(f.snapshot.At).Hours() != 2 {
		t.Errorf("ack: %+v, kept of %q until %v", acked, f.by, f.until)
	}
	f.by = ""
	if a := read[api.Acknowledged](t, post(h, "incidents/dead0beef0/unack", "")); a.By != "anna" || f.by != "anna" || f.acked != "" {
		t.Errorf("unack: %+v", a)
	}
	n := read[api.Noted](t, post(h, "incidents/dead0beef0/note", `{"text":"a disk","public":true}`))
	if n.By != "anna" || n.Text != "a disk" || !n.Public || n.Check != "mx1/imaps" {
		t.Errorf("note: %+v", n)
	}
	for _, body := range []string{`{"server":"mx1","reason":"racks","until":"1h"}`, `{"scope":{"server":"mx1"},"reason":"racks","until":"2000-01-02T08:00:00Z"}`} {
		if s := read[api.ListedSilence](t, post(h, "silences", body)); s.By != "anna" || s.Scope.Server != "mx1" || s.Checks != 2 || s.Until.IsZero() {
			t.Errorf("silence: %+v", s)
		}
	}
	f.by = ""
	ended := ask(h, "DELETE", "/api/v1/silences/c0ffee", "")
	if ended.Code != http.StatusConflict || f.by != "anna" { // the fake has another one
		t.Errorf("the end of a silence: %d %s, kept of %q", ended.Code, ended.Body, f.by)
	}
	if list := read[api.Silences](t, ask(h, "GET", "/api/v1/silences", "")); len(list.Silences) != 1 {
		t.Errorf("silences: %+v", list)
	}
}

func TestActionsThatAreRefused(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	all, theirs, strangers := tcp(f, everything), tcp(f, germany), tcp(f, blind)
	for _, test := range []struct {
		h          http.Handler
		path, body string
		want       int
	}{
		{all, "incidents/none/ack", "{}", 404},
		{all, "incidents/dead0beef0/ack", `{"by":"bert"}`, 400},
		{all, "incidents/dead0beef0/ack", `{"until":"yesterday"}`, 400},
		{all, "incidents/dead0beef0/ack", `{`, 400},
		{all, "incidents/dead0beef0/note", `{"text":" "}`, 400},
		{all, "incidents/dead0beef0/note", `{"text":"` + strings.Repeat("x", 70<<10) + `"}`, 413},
		{all, "checks/none/recheck", "", 404},
		{all, "checks/well/explode", "", 404},
		{all, "checks/well", "", 404},
		{all, "checks/well/recheck", "", 409}, // the fake refuses
		{all, "silences", `{"until":"1h"}`, 400},
		{all, "silences", `{"check":"well"}`, 400},
		{all, "silences", `{"check":"none","until":"1h"}`, 404},
		{all, "silences", `{"role":"none","until":"1h"}`, 404},
		{all, "silences/none/end", "", 404},
		{theirs, "checks/well/test", "", 404},
		{theirs, "silences", `{"check":"well","until":"1h"}`, 404},
		{theirs, "silences", `{"group":"europe","until":"1h"}`, 404},
		{theirs, "silences", `{"role":"it_team","until":"1h"}`, 404},
		{strangers, "incidents/dead0beef0/ack", `{}`, 404},
		{strangers, "silences/c0ffee/end", "", 404},
	} {
		f.by = "nobody"
		w := post(test.h, test.path, test.body)
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != test.want || p.Status != test.want || f.by != "nobody" {
			t.Errorf("%s with %.40s is answered %d %s; %q did it", test.path, test.body, w.Code, w.Body, f.by)
		}
	}
	if w := ask(all, "POST", "/api/v1/incidents/dead0beef0/ack", "<x/>", "Content-Type: text/xml"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("XML is answered %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]int{`{"group":"europe/germany","until":"1h"}`: 200, `{"server":"mx1","until":"1h"}`: 200} {
		if w := post(theirs, "silences", path); w.Code != want {
			t.Errorf("their own %s is answered %d %s", path, w.Code, w.Body)
		}
	}
}

// The forms of pages work without a script: their sender is led back to a page of this site, and
// never to another one.
func TestFormsLeadBack(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	h := tcp(f, everything)
	for _, test := range []struct {
		path, referer string
		fields        url.Values
		want          string
	}{
		{"incidents/dead0beef0/ack", "", url.Values{"reason": {"on it"}}, "/i/dead0beef0"},
		{"incidents/dead0beef0/ack", "http://example.com/?group=europe", url.Values{}, "/?group=europe"},
		{"incidents/dead0beef0/ack", "http://evil.example/x", url.Values{}, "/i/dead0beef0"},
		{"incidents/dead0beef0/note", "", url.Values{"text": {"a disk"}, "public": {"on"}, "back": {"/c/mx1/imaps#notes"}}, "/c/mx1/imaps#notes"},
		{"incidents/dead0beef0/note", "", url.Values{"text": {"a disk"}, "back": {"//evil.example/"}}, "/i/dead0beef0"},
		{"incidents/dead0beef0/note", "", url.Values{"text": {"a disk"}, "back": {`/\evil.example/`}}, "/i/dead0beef0"},
		{"incidents/dead0beef0/note", "", url.Values{"text": {"a disk"}, "back": {"https://evil.example/"}}, "/i/dead0beef0"},
		{"silences", "", url.Values{"check": {"mx1/imaps"}, "until": {"1h"}}, "/c/mx1/imaps"},
		{"silences", "", url.Values{"group": {"europe"}, "until": {"1h"}}, "/coming"},
	} {
		w := ask(h, "POST", "http://example.com/api/v1/"+test.path, test.fields.Encode(), "Content-Type: application/x-www-form-urlencoded", "Referer: "+test.referer)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != test.want {
			t.Errorf("%s with %v is answered %d, to %q, want %q: %s", test.path, test.fields, w.Code, w.Header().Get("Location"), test.want, w.Body)
		}
	}
	w := ask(h, "POST", "/api/v1/incidents/dead0beef0/ack", "reason=x", "Content-Type: application/x-www-form-urlencoded", "Accept: application/json")
	if read[api.Acknowledged](t, w).By != "anna" {
		t.Errorf("a program that sends a form is answered %s", w.Body)
	}
}

func TestTestsTellOfPhasesAsTheyEnd(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	h := tcp(f, everything)
	if r := read[api.Reports](t, post(h, "checks/well/test", "")); len(r.Checks) != 1 || r.Checks[0].ID != "well" || r.Checks[0].State != "down" || !f.retried {
		t.Errorf("a test: %+v", r)
	}
	w := ask(h, "POST", "/api/v1/checks/well/test", "", "Accept: text/event-stream")
	events := strings.Split(strings.TrimSpace(w.Body.String()), "\n\n")
	if len(events) != 3 || w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("X-Accel-Buffering") != "no" {
		t.Fatalf("%v: %q", w.Header(), events)
	}
	if want := "event: phase\n" + `data: {"address":"192.0.2.1","port":993,"phase":"connect","ms":1.5,"ok":true}`; events[0] != want {
		t.Errorf("the first event is %q, want %q", events[0], want)
	}
	if !strings.HasPrefix(events[2], "event: result\n"+`data: {"checks":[{"id":"well",`) {
		t.Errorf("the last event is %q", events[2])
	}
	f.failing = context.DeadlineExceeded
	w = ask(h, "POST", "/api/v1/checks/well/test", "", "Accept: text/event-stream")
	if !strings.Contains(w.Body.String(), "event: problem\n"+`data: {"type":"about:blank","title":"Service Unavailable","status":503,`) {
		t.Errorf("a test that fails is answered %s", w.Body)
	}
}
