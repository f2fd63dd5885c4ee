package pages

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// An ackStage is a stage that takes acknowledgements.
type ackStage struct {
	*stage
	taken []string
}

func (s *ackStage) Acknowledge(_ context.Context, id incident.ID, a tracker.Acknowledgement) (incident.Incident, error) {
	if a.Once {
		s.taken = append(s.taken, string(id)+" "+a.By)
	}
	return incident.Incident{}, nil
}

func (s *ackStage) follow(t *testing.T, method, path, form string) answer {
	t.Helper()
	links := api.NewLinks(make([]byte, api.LinkKeySize))
	mux := http.NewServeMux()
	for _, r := range Routes(Options{Daemon: s, Links: func() api.Links { return links }}) {
		mux.Handle(r.Pattern, r.Handler)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r = r.WithContext(api.WithVisitor(r.Context(), &api.Visitor{}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func linkTo(id incident.ID) string {
	return "/a/" + api.NewLinks(make([]byte, api.LinkKeySize)).Token(api.Link{Incident: id, Role: "it_team", Until: begin.Add(24 * time.Hour)})
}

// A link shows what it acknowledges and a button; only the button does it, within 24 hours.
func TestLinkAcknowledges(t *testing.T) {
	s := &ackStage{stage: troubledStage(t)}
	const open, acked = incident.ID("p8d4r6v1zb"), incident.ID("k3q9w2m7tx")
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name, method string
			id           incident.ID
		}{{"link", "GET", open}, {"link-already", "GET", acked}, {"link-done", "POST", open}} {
			if len(s.taken) > 0 {
				t.Errorf("%v before the button is pressed", s.taken)
			}
			a := s.follow(t, c.method, linkTo(c.id)+"?name=of+the+address", "name=+Anna+")
			if a.status != http.StatusOK || a.header.Get("X-Robots-Tag") != "noindex, nofollow" || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", c.name, a.status, a.header)
			}
			keep(t, c.name, a.body)
			page := parsePage(t, a.body)
			inspectPage(t, page)
			text := textOfPage(page)
			golden.Compare(t, filepath.Join("testdata", c.name+".txt"), text)
			golden.Plain(t, c.name, text)
			if c.method == "GET" {
				s.follow(t, "HEAD", linkTo(c.id), "")
			}
		}
		// As an app does: with neither form nor name.
		if a := s.follow(t, "POST", linkTo(open), ""); a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("without a form: %d %v", a.status, a.header)
		}
		if got := strings.Join(s.taken, "; "); got != "p8d4r6v1zb Anna, by link sent to it_team; p8d4r6v1zb by link sent to it_team" {
			t.Errorf("acknowledged: %s", got)
		}
		<-time.After(24*time.Hour + time.Second)
		for _, method := range []string{"GET", "POST"} {
			if a := s.follow(t, method, linkTo(open), ""); a.status != http.StatusGone || len(s.taken) != 2 {
				t.Errorf("%s after a day: %d, %v", method, a.status, s.taken)
			}
		}
	})
}

// A link to an incident that is closed or unknown, and one that was changed, does nothing and tells nothing.
func TestLinksThatDoNothing(t *testing.T) {
	past := troubledPast(t)
	const closed = incident.ID("closed0000")
	for _, kind := range []incident.Kind{incident.Failing, incident.Opened, incident.Recovering, incident.Closed} {
		e := incident.Event{Kind: kind, At: begin.Add(-time.Hour), Since: begin.Add(-time.Hour), Incident: closed, Check: "mx1/imaps", Condition: config.ConditionService, ClosedAs: incident.Recovered}
		past.add(t, "incident."+string(kind), e.At, e)
	}
	p := newPlan()
	p.check("mx1", "imaps", "IMAP over TLS")
	p.check("mx2", "login", "Login")
	s := &ackStage{stage: newStage(t, p.Config, past, badProbe("mx2/login", byeFinding, 4, 18, 41))}
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for path, want := range map[string]int{
				linkTo(closed): http.StatusGone, linkTo("unknown"): http.StatusGone,
				linkTo("p8d4r6v1zb") + "x": http.StatusNotFound, "/a/x": http.StatusNotFound,
			} {
				a := s.follow(t, method, path, "")
				if a.status != want || len(s.taken) > 0 || bytes.Contains(a.body, []byte("mx")) {
					t.Errorf("%s %s: %d, %v\n%s", method, path, a.status, s.taken, a.body)
				}
			}
		}
	})
}
