package main

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// The history of a check that three nodes probe says what each of them saw, and which did not answer.
func TestHistoryOfNodes(t *testing.T) {
	to := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	from := to.AddDate(0, 0, -7)
	whole, little, share := 1.0, 0.998, 0.9991
	ms := func(f float64) *float64 { return &f }
	nodes := []api.NodePast{{Node: "fra1", Location: "frankfurt"}, {Node: "lon1", Location: "london"}, {Node: "nyc1", Location: "new-york", Missing: "did not answer"}}
	report := api.PeriodReport{Availability: api.Availability{
		From: from, To: to, Timezone: "UTC", Period: "2026-11-23..2026-11-30", CompleteSince: &from, Nodes: nodes,
		Checks: []api.CheckAvailability{{
			ID: "mx1/imaps", Label: "mx1/imaps", Seconds: api.StateSeconds{Down: 540, OK: 604260},
			Ratios: api.Ratios{Availability: &share, Coverage: &whole, Floor: &little, Ceiling: &share, Strict: &share},
			Days:   []api.Day{{Day: "2026-11-25", Seconds: api.StateSeconds{Down: 540}}},
		}},
		Total: api.GroupAvailability{Ratios: api.Ratios{Coverage: &whole}},
	}}
	h := api.CheckHistory{
		Check: "mx1/imaps", From: from, To: to, CompleteSince: &from,
		Points:    []api.HistoryPoint{{At: from, N: 10080, OK: 10070, Down: 10, P50MS: api.TimingsReport{config.WholeConversation: 80 * time.Millisecond}}},
		Intervals: []api.StateInterval{{From: from.Add(40 * time.Hour), To: from.Add(40*time.Hour + 9*time.Minute), State: "down", Incident: "k3q9w2m7tx"}},
		Locations: []api.LocationHistory{
			{NodePast: nodes[0], N: 10080, OK: 10070, Down: 10, P50MS: ms(80.2), P95MS: ms(120.9), P99MS: ms(180)},
			{NodePast: nodes[1], N: 10079, OK: 10079, P50MS: ms(96.1), P95MS: ms(140), P99MS: ms(212)},
			{NodePast: nodes[2]},
		},
	}
	var out bytes.Buffer
	p := &program{out: &out, err: &out, utc: true}
	past := &past{report: func(context.Context, api.PeriodQuery) (api.PeriodReport, error) { return report, nil }}
	if err := p.printHistory(t.Context(), past, &h); err != nil {
		t.Fatal(err)
	}
	checkWidth(t, out.String(), 80)
	golden.Compare(t, filepath.Join("testdata", "history-nodes.txt"), out.String())
}
