package notifiers

import (
	"slices"
	"testing"
	"time"
)

// An incident that failed, was well for a while and fails again is told with
// the time of today's failure: "for 17m" would be wrong of six seconds.
func TestAnIncidentThatBeganAnew(t *testing.T) {
	first := time.Date(2026, 5, 1, 19, 14, 0, 0, time.UTC)
	in := Incident{
		Check: "mx1/imaps", Severity: "down", Phase: "connect", Cause: "refused", CauseText: "connection refused", ClosedAs: "recovered",
		StartedAt: first, AgainAt: first.Add(17 * time.Minute), EndedAt: first.Add(17*time.Minute + 6*time.Second),
	}
	item := Item{Transition: Closed, Incident: in}
	want := []Fact{
		{Name: "Began", Text: "2026-05-01 19:31:00 UTC"},
		{Name: "Ended", Text: "2026-05-01 19:31:06 UTC, after 6s"},
		{Name: "First", Text: "2026-05-01 19:14:00 UTC; it recovered and failed again"},
	}
	if got := (Message{At: in.EndedAt}).timeFacts(in); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got, want := item.Headline(in.EndedAt), "RECOVERED mx1/imaps: was down for 6s (connect refused)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := in.Duration(in.EndedAt); got != 17*time.Minute+6*time.Second {
		t.Errorf("the whole lasted %v", got)
	}
}
