package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// Of a history of three days no promise over thirty is called kept or missed: reports and the
// API say of the same time that it is not proven.
func TestAYoungHistoryProvesNoPromise(t *testing.T) {
	since := begin.AddDate(0, 0, -3)
	unknown := availability.Interval{To: since, Kind: availability.Unknown}
	outage := availability.Bout{From: begin.Add(-2 * time.Hour), To: begin.Add(-time.Hour), Reported: begin.Add(-time.Hour), Service: true}
	for name, life := range map[string]availability.Life{
		"well":   {Intervals: []availability.Interval{unknown}},
		"outage": {Intervals: []availability.Interval{unknown}, Bouts: []availability.Bout{outage}},
	} {
		check := &config.Check{ID: "mx1/imaps"}
		check.Policy.SLO = 99
		f := &fleet{Listing: api.Listing{At: begin, Config: &config.Config{}}, clock: clock{now: begin, zone: time.UTC}}
		past := &madePast{since: since, lives: map[config.CheckID]availability.Life{check.ID: life}}
		u, err := f.uptime(t.Context(), past, check, window{})
		if err != nil {
			t.Fatal(err)
		}
		if u.Promise.Verdict != "not proven" {
			t.Errorf("%s: the promise is called %s %s", name, u.Promise.Verdict, u.Promise.Text)
		}
	}
}

// The words of an error begin with a small letter where they are part of a longer one; a page
// shows a sentence.
func TestAFaultIsASentence(t *testing.T) {
	for words, want := range map[string]string{
		"there is no check mx9": "<p>There is no check mx9.</p>",
		"Log in again.":         "<p>Log in again.</p>",
		"été":                   "<p>Été.</p>",
	} {
		w := httptest.NewRecorder()
		WriteFault(w, httptest.NewRequest(http.MethodGet, "/c/mx9", nil), &config.Config{}, Fault{Status: http.StatusNotFound, Text: words})
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is not shown as %s:\n%s", words, want, w.Body)
		}
	}
}
