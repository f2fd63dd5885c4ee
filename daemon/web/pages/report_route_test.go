package pages

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/report"
)

// A rememberingStage is a daemon with a history of its own.
type rememberingStage struct {
	*stage
	store *history.Store
}

func (s *rememberingStage) History() *history.Store { return s.store }

// A report is a page of its own, whose policy allows its one style sheet and nothing else, or a
// file for a spreadsheet.
func TestReportOfAPeriod(t *testing.T) {
	store := history.Open(history.Options{Path: filepath.Join(t.TempDir(), "history.db")})
	v := &viewer{Options: Options{Daemon: &rememberingStage{plannedStage(t), store}}}
	if a := askViewer(t, v, "/reports/1999-12.html", nil); a.status != http.StatusServiceUnavailable || strings.Contains(string(a.body), "<style>") {
		t.Errorf("without a history a report is answered %d", a.status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = store.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for open := false; !open; {
		_, err := store.CompleteSince(ctx)
		open = err == nil
		<-time.After(time.Millisecond)
	}
	page := askViewer(t, v, "/reports/1999-12.html?group=europe", nil)
	policy := page.header.Get("Content-Security-Policy")
	if page.status != http.StatusOK || !strings.Contains(policy, "'"+report.StyleHash()+"'") || strings.Contains(policy, "unsafe") || !strings.Contains(string(page.body), "December 1999") {
		t.Errorf("a report is answered %d with the policy %s\n%.300s", page.status, policy, page.body)
	}
	keep(t, "report", page.body)
	file := askViewer(t, v, "/reports/1999-12-01..1999-12-14.csv", nil)
	if name := file.header.Get("Content-Disposition"); file.status != http.StatusOK || name != `attachment; filename="availability-1999-12-01..1999-12-14.csv"` || !strings.HasPrefix(string(file.body), "check,label,") {
		t.Errorf("the CSV of a report is answered %d as %s\n%.300s", file.status, name, file.body)
	}
	customer := &api.Visitor{Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers"}}
	for _, path := range []string{"/reports/1999-12.html", "/reports/1999-12.csv"} {
		if a := askAs(t, v, customer, path); a.status != http.StatusOK || strings.Contains(string(a.body), "mx1") || !strings.Contains(string(a.body), "acme") {
			t.Errorf("a customer is answered %d at %s", a.status, path)
		}
	}
	for path, want := range map[string]int{
		"/reports/1999-12.pdf": http.StatusNotFound, "/reports/nonsense.html": http.StatusBadRequest, "/reports/1999-12.csv?group=nowhere": http.StatusNotFound,
		"/reports/2099-01.html": http.StatusBadRequest,
	} {
		if a := askViewer(t, v, path, nil); a.status != want {
			t.Errorf("%s is answered %d, want %d", path, a.status, want)
		}
	}
}

// A period that cannot be read is named beside the field in which it stands.
func TestWrongPeriodIsSaid(t *testing.T) {
	v := &viewer{Options: Options{Daemon: wellStage(t)}, past: &madePast{since: begin.AddDate(0, 0, -40)}}
	a := askViewer(t, v, "/reports?period=%3Cb%3Eyesterdaze", nil)
	page := parsePage(t, a.body)
	inspectPage(t, page)
	if text := textOfPage(page); !strings.Contains(text, `"<b>yesterdaze" cannot be read as a period`) || !strings.Contains(string(a.body), `aria-describedby="wrong"`) {
		t.Errorf("the page says\n%s", text)
	}
}
