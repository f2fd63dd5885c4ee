package pages

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// What the journal has forgotten is shown as the history remembers it, to whoever may see its check.
func TestForgottenIncidentIsShownFromTheHistory(t *testing.T) {
	old := incident.Incident{ID: "0ld1nc1dent", Check: "mx1/imaps", Condition: config.ConditionService, StartedAt: begin.AddDate(-1, 0, 0), EndedAt: begin.AddDate(-1, 0, 1), ClosedAs: incident.Recovered}
	end := old.EndedAt
	text, err := json.Marshal(api.Incident{
		ID: old.ID, Check: old.Check, Condition: old.Condition, Severity: config.SeverityDown, State: incident.StatusClosed, ClosedAs: "recovered", Phase: config.PhaseConnect,
		Cause: config.CauseRefused, StartedAt: old.StartedAt, EndedAt: &end, Events: []api.Event{{Kind: incident.Failing, At: old.StartedAt, Cause: config.CauseRefused, Phase: config.PhaseConnect}},
	})
	if err != nil {
		t.Fatal(err)
	}
	store := history.Open(history.Options{Path: filepath.Join(t.TempDir(), "history.db"), Changes: func(_ context.Context, since uint64) (history.Changes, error) {
		if since > 0 {
			return history.Changes{Version: since}, nil
		}
		remembered := history.Record{Incident: old, JSON: text}
		return history.Changes{Version: 1, Count: 1, Record: func(int) (history.Record, error) { return remembered, nil }}, nil
	}})
	stage := troubledStage(t)
	cfg := *stage.snapshot.Config
	cfg.History.Incidents = 100 * 365 * aDay // the clock of the history is the real one
	store.Use(&cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = store.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for written := false; !written; { // until the first round of its writer
		list, err := store.Incidents(ctx, time.Unix(0, 0), begin)
		written = err == nil && len(list) > 0
		<-time.After(time.Millisecond)
	}
	v := &viewer{Options: Options{Daemon: stage}, past: store}
	page := askViewer(t, v, "/i/0ld1nc1dent", nil)
	if said := textOfPage(parsePage(t, page.body)); page.status != http.StatusOK || !strings.Contains(said, "recovered after 1d") || !strings.Contains(said, "It begins to fail Connection refused") {
		t.Errorf("answered %d:\n%s", page.status, said)
	}
	customer := &api.Visitor{Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers"}}
	if a := askAs(t, v, customer, "/i/0ld1nc1dent"); a.status != http.StatusNotFound {
		t.Error("a customer is answered", a.status)
	}
	if a := askViewer(t, v, "/i/nowhere", nil); a.status != http.StatusNotFound {
		t.Error("an incident that never was is answered", a.status)
	}
}
