package daemon

import (
	"net/http"
	"testing"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
)

// Of each route it is said who answers it on a node that follows, and of nothing else.
func TestSidesAreChosenForEveryRoute(t *testing.T) {
	m := &monitor{counts: metrics.NewCounts()}
	m.Log = zap.NewNop()
	m.vitals = &vitals{m: m}
	m.page = m.newPage()
	known := map[string]bool{}
	look := func(pattern string) {
		known[keyOf(pattern)] = true
		if sides[keyOf(pattern)] == unsaid {
			t.Errorf("nothing says who answers %q on a node that follows", pattern)
		}
	}
	api.HandlerOf(m, func(pattern string, h http.Handler) http.Handler { look(pattern); return h })
	for _, r := range m.routes {
		look(r.Pattern)
	}
	for pattern := range sides {
		if !known[pattern] {
			t.Errorf("there is no route %q any more", pattern)
		}
	}
	if len(known) < 50 {
		t.Errorf("only %d routes were looked at", len(known))
	}
}

func TestSidesOfParts(t *testing.T) {
	for request, want := range map[[2]string]side{
		{"GET /api/v1/checks/{path...}", "/api/v1/checks/mx1/imaps"}:          sharedOne,
		{"GET /api/v1/checks/{path...}", "/api/v1/checks/mx1/imaps/history"}:  ownSide,
		{"POST /api/v1/checks/{path...}", "/api/v1/checks/mx1/imaps/recheck"}: sharedOne,
		{"POST /api/v1/checks/{path...}", "/api/v1/checks/mx1/imaps/test"}:    ownSide,
		{"GET /a/0123/{name}", "/a/0123/page.css"}:                            ownSide,
		{"GET /a/{token}", "/a/token"}:                                        sharedOne,
		{"POST /v1/ack", "/v1/ack"}:                                           sharedOne,
		{"GET /nothing", "/nothing"}:                                          unsaid,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, request[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := sideOf(request[0], r); got != want {
			t.Errorf("%q: %d, want %d", request, got, want)
		}
	}
}
