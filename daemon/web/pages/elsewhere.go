package pages

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
)

// An elsewhereTable is what the probes of each node came to.
type elsewhereTable struct {
	Own     string // where this node is, of which the chart is
	Rows    []elsewhereRow
	Missing string // of which nodes nothing is known, in a sentence; empty: of none
	Rule    string // what the availability is made of
}

// An elsewhereRow is one node.
type elsewhereRow struct {
	Place, Node string // Node is empty where the place is called so
	Probes      string
	Works       string // of how many of its probes the service worked, in percent
	Bad         bool   // some found it down
	P50, P95    string
	Worst       string
}

// earliest returns when the longest span began that a page measures.
func earliest(now time.Time) time.Time { return now.Add(-spans[len(spans)-1].Length - aDay) }

// queryOf returns all that the page of a check asks other nodes.
func (w window) queryOf(id config.CheckID, now time.Time) elsewhere.Query {
	return elsewhere.Query{Checks: []config.CheckID{id}, From: earliest(now), To: now, Of: id, Since: now.Add(-w.span().Length)}
}

// latencyElsewhere returns what the probes of each node came to in the window of the page; nil: that cannot
// be read.
func latencyElsewhere(ctx context.Context, all *elsewhere.Past, id config.CheckID, now time.Time, win window) *elsewhereTable {
	list, err := all.Locations(ctx, id, now.Add(-win.span().Length), now)
	if err != nil {
		return nil
	}
	t := &elsewhereTable{
		Own: list[0].Node.Location, Missing: elsewhere.Sentence(list),
		Rule: "It counts as down when the nodes agreed that it was, and as seen when one of them saw it.",
	}
	for i := range list {
		if list[i].Sum != nil {
			t.Rows = append(t.Rows, newElsewhereRow(&list[i]))
		}
	}
	return t
}

func newElsewhereRow(l *elsewhere.Location) elsewhereRow {
	s := l.Sum
	row := elsewhereRow{
		Place: l.Node.Location, Node: string(l.ID), Probes: grouped(s.N), Works: availability.NoData, Bad: s.Down > 0,
		P50: durationOrNothing(s.P50), P95: durationOrNothing(s.P95), Worst: durationOrNothing(s.Max),
	}
	if row.Node == row.Place {
		row.Node = ""
	}
	if judged := s.OK + s.Degraded + s.Down; judged > 0 {
		works := float64(judged-s.Down) / float64(judged)
		row.Works = availability.Percent(&works)
	}
	return row
}
