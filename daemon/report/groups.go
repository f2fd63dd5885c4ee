package report

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A Group is a row of the table of groups.
type Group struct {
	Name, Note   string
	Depth        int // how many groups it is in
	Checks       int
	Promise      string // "99.9 %"; empty: none, or not the same for all
	Verdict      string // "kept for 3, missed for 1"
	Word         string // the worst of them
	Availability string
	Floor        string
	Coverage     string
	Change       string // since the period before: "+0.02 points"
	Any, All     string
	Strip        Strip
}

func (w *writer) group(g *api.GroupAvailability) Group {
	v := Group{
		Name: w.groupName(g.ID), Depth: strings.Count(string(g.ID), "/"), Checks: g.Checks,
		Availability: availability.Percent(g.Availability), Floor: availability.Percent(g.Floor), Coverage: availability.Percent(g.Coverage),
		Change: change(g.Before, g.Availability), Any: length(g.AnyDownS), All: length(g.AllDownS), Strip: w.strip(g.Days, g.Checks),
	}
	if g.ID == "" {
		v.Name = "All checks"
	}
	if w.labels[g.ID] != "" && !w.Public {
		v.Note = string(g.ID)
	}
	if g.Promises.Objective != nil {
		v.Promise = objective(*g.Promises.Objective)
	}
	if p := w.promise(g.Promises); p.Word != "" {
		v.Word, v.Verdict = p.Word, p.Counts
	}
	return v
}

// change says how much a figure has changed, in points of a per cent.
func change(before, now *float64) string {
	if before == nil || now == nil {
		return Nothing // to compare with
	}
	points := (*now - *before) * 100
	text := fmt.Sprintf("%+.2f", points)
	if text == "+0.00" || text == "-0.00" {
		return "±0.00"
	}
	return strings.Replace(text, "-", "−", 1)
}
