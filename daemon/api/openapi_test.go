package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// description is what the daemon says of its interface, made strict: an answer has no key that it
// does not name.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	w := ask(tcp(&fake{snapshot: shown(t)}, everything), "GET", "/api/v1/openapi.json", "")
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	no := false
	for _, schema := range doc.Components.Schemas {
		schema.Value.AdditionalProperties = openapi3.BoolSchema{Has: &no}
	}
	return doc
}

// An exchange is a request of an operation, and the status that it is answered with.
type exchange struct {
	path    string // of the description
	request string // "GET /api/v1/..."
	body    string
	status  int
}

var exchanges = []exchange{
	{"/api/v1/status", "GET /api/v1/status", "", 200},
	{"/api/v1/status", "GET /api/v1/status?check=mx1&group=europe&server=mx1&state=ok,recovering&limit=1", "", 200},
	{"/api/v1/status", "GET /api/v1/status?group=none", "", 404},
	{"/api/v1/checks/{check}", "GET /api/v1/checks/mx1/imaps", "", 200},
	{"/api/v1/checks/{check}", "GET /api/v1/checks/paused", "", 200},
	{"/api/v1/checks/{check}", "GET /api/v1/checks/none", "", 404},
	{"/api/v1/checks/{check}/history", "GET /api/v1/checks/mx1/imaps/history?from=24h&step=5m", "", 503},
	{"/api/v1/checks/{check}/recheck", "POST /api/v1/checks/mx1/imaps/recheck", "", 409},
	{"/api/v1/checks/{check}/test", "POST /api/v1/checks/mx1/imaps/test", "{}", 200},
	{"/api/v1/incidents", "GET /api/v1/incidents?open=true&since=24h&group=europe&check=mx1&limit=5", "", 200},
	{"/api/v1/incidents", "GET /api/v1/incidents?since=soon", "", 400},
	{"/api/v1/incidents/{incident}", "GET /api/v1/incidents/dead0beef0", "", 200},
	{"/api/v1/incidents/{incident}/ack", "POST /api/v1/incidents/dead0beef0/ack", `{"reason":"on it","until":"2h"}`, 200},
	{"/api/v1/incidents/{incident}/unack", "POST /api/v1/incidents/dead0beef0/unack", "", 200},
	{"/api/v1/incidents/{incident}/note", "POST /api/v1/incidents/dead0beef0/note", `{"text":"a disk","public":true}`, 200},
	{"/api/v1/deliveries", "GET /api/v1/deliveries?all=true&since=24h&limit=2", "", 200},
	{"/api/v1/silences", "GET /api/v1/silences?all=1", "", 200},
	{"/api/v1/silences", "POST /api/v1/silences", `{"server":"mx1","reason":"racks","until":"1h"}`, 200},
	{"/api/v1/silences", "POST /api/v1/silences", `{"scope":{"check":"none"},"until":"1h"}`, 404},
	{"/api/v1/silences/{id}", "DELETE /api/v1/silences/c0ffee", "", 409},
	{"/api/v1/silences/{id}/end", "POST /api/v1/silences/none/end", "", 404},
	{"/api/v1/certificates", "GET /api/v1/certificates", "", 200},
	{"/api/v1/coming", "GET /api/v1/coming", "", 200},
	{"/api/v1/availability", "GET /api/v1/availability?period=30d", "", 503},
	{"/api/v1/report", "GET /api/v1/report?period=last-month&group=europe", "", 503},
	{"/api/v1/events", "GET /api/v1/events?check=none", "", 404},
	{"/api/v1/openapi.json", "GET /api/v1/openapi.json", "", 200},
}

// TestDescription holds the description against the handlers: both know the same operations, the
// requests of each are as it says, and so is each answer, to the last key.
func TestDescription(t *testing.T) {
	doc := description(t)
	f := &fake{snapshot: shown(t)}
	handler := tcp(f, everything)
	mux, missing := http.NewServeMux(), map[string]bool{}
	for _, route := range api.Routes(f) {
		mux.Handle(route.Pattern, route.Handler)
		missing[route.Pattern] = true
	}
	said := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			said[method+" "+path] = true
		}
	}
	for _, e := range exchanges {
		method, target, _ := strings.Cut(e.request, " ")
		r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(e.body))
		if e.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		_, pattern := mux.Handler(r)
		delete(missing, pattern)
		delete(said, method+" "+e.path)
		item := doc.Paths.Value(e.path)
		if item == nil || item.GetOperation(method) == nil {
			t.Errorf("%s %s is not described", method, e.path)
			continue
		}
		holdAgainst(t, doc, e, r, handler)
	}
	for pattern := range missing {
		t.Errorf("no exchange is answered by %s", pattern)
	}
	for operation := range said {
		t.Errorf("%s is described, and no exchange shows it", operation)
	}
}

// holdAgainst makes an exchange, and holds both of its sides against the description.
func holdAgainst(t *testing.T, doc *openapi3.T, e exchange, r *http.Request, h http.Handler) {
	t.Helper()
	item := doc.Paths.Value(e.path)
	before, after, _ := strings.Cut(e.path, "{")
	name, after, _ := strings.Cut(after, "}")
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: map[string]string{name: strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, before), after)},
		Route:   &routers.Route{Spec: doc, Path: e.path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil && e.status != http.StatusBadRequest {
		t.Errorf("%s: %v", e.request, err)
	}
	r.Body = io.NopCloser(strings.NewReader(e.body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != e.status {
		t.Errorf("%s is answered %d, want %d: %s", e.request, w.Code, e.status, w.Body)
	}
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: in.Options,
	})
	if err != nil {
		t.Errorf("%s: %v", e.request, err)
	}
}

// What comes from the history, and what is rare, is as the description says, too.
func TestDescribedValues(t *testing.T) {
	doc := description(t)
	cfg, past := october(t)
	month := api.PeriodQuery{Period: "2026-10"}
	figures, err := api.NewAvailability(t.Context(), cfg, past, month, november)
	if err != nil {
		t.Fatal(err)
	}
	report, err := api.NewPeriodReport(t.Context(), cfg, past, month, november)
	if err != nil {
		t.Fatal(err)
	}
	history, err := api.NewCheckHistory(t.Context(), cfg, past, api.HistoryQuery{Check: "mx1/imaps", From: "2026-10-01", To: "2026-11-01"}, november)
	if err != nil {
		t.Fatal(err)
	}
	took := 80.4
	report.Nodes = []api.NodePast{{Node: "fra1", Location: "frankfurt", Missing: "is silent"}}
	history.Locations = []api.LocationHistory{{NodePast: report.Nodes[0]}, {N: 3, OK: 3, P50MS: &took, P95MS: &took, P99MS: &took, MaxMS: &took}}
	for name, value := range map[string]any{
		"Availability": figures, "PeriodReport": report, "CheckHistory": history,
		"Noted": api.Noted{}, "Silence": api.Silence{}, "Happening": api.Happening{Checks: []api.Check{}}, "PhaseEnd": api.PhaseEnd{},
		"Config": api.Config{State: api.Current, LastReload: &api.LastReload{}},
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatal(err)
		}
		if err := doc.Components.Schemas[name].Value.VisitJSON(plain); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
