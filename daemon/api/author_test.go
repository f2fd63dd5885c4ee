package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Of what another node has passed on the author has the words about that node, whatever is claimed: by who types,
// by --by, and of who is logged in.
func TestWhatANodePassesOnHasItsName(t *testing.T) {
	f := &fake{snapshot: shown(t)}
	known := func(string) string { return "anna" }
	passed := func(h http.Handler, path, body string) string {
		f.by = ""
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(api.WithSender(api.WithAuthor(r.Context(), known), " on lon1")))
		return f.by
	}
	for body, want := range map[string]string{
		`{"incident":"dead0beef0","reason":"on it","user":"root"}`:         "anna on lon1",
		`{"incident":"dead0beef0","reason":"on it","by":"anna on fra1"}`:   "anna on fra1 on lon1",
		`{"incident":"dead0beef0","reason":"on it","by":"` + long + `"}`:   long[:89] + "\u2026 on lon1",
		`{"incident":"dead0beef0","reason":"on it","by":"\u001b[2J on x"}`: `\x1b[2J on x on lon1`,
	} {
		if by := passed(api.Handler(f), "/v1/ack", body); by != want {
			t.Errorf("%s: by %q, not %q", body, by, want)
		}
	}
	if by := passed(tcp(f, everything), "/api/v1/incidents/dead0beef0/ack", `{"reason":"on it","until":"2h"}`); by != "anna on lon1" {
		t.Errorf("over TCP: by %q", by)
	}
}

var long = strings.Repeat("anna on fra1 ", 20)
