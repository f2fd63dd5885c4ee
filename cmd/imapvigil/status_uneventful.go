package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// mostUneventful is how many checks that nobody has to act on have a line each.
const mostUneventful = 20

// writeUneventful writes the checks that nobody has to act on, group by group: one line each,
// or only how many there are where they are more than mostUneventful.
func (g *statusPage) writeUneventful(checks []*api.Check) {
	order := []incident.CheckState{incident.CheckMaintenance, incident.CheckOK, incident.CheckPaused}
	slices.SortStableFunc(checks, func(a, b *api.Check) int {
		return cmp.Or(cmp.Compare(groupOf(a), groupOf(b)), slices.Index(order, a.State)-slices.Index(order, b.State), cmp.Compare(a.ID, b.ID))
	})
	switch {
	case len(checks) == 0:
	case g.all || len(checks) <= mostUneventful:
		g.writeEachUneventful(checks)
	default:
		g.cut = true
		g.countUneventful(checks)
	}
}

// writeEachUneventful writes each check, under its group.
func (g *statusPage) writeEachUneventful(checks []*api.Check) {
	rows := make([][]string, 0, len(checks))
	for _, c := range checks {
		rows = append(rows, g.uneventfulRow(c))
	}
	lines := alignColumns(g.width-stateRoom, []column{{}, {rank: 1}, {rank: 2, right: true}, {rank: 3}, {rank: 4}, {rank: 5}}, rows)
	last := "\x00" // no group is called so, and the first check gets a heading
	for i, c := range checks {
		if here := groupOf(c); here != last {
			g.line("")
			g.fold("", g.groupWithLabel(here, g.width))
			last = here
		}
		g.writeRow(c.State, lines[i], g.planned(c))
	}
}

// uneventfulRow returns name, place, latency, certificate, since when, and the label.
func (g *statusPage) uneventfulRow(c *api.Check) []string {
	row := []string{string(c.ID), hostPort(c), latencyOf(c.LatencyMS), "", "", labelOf(c)}
	if c.CertificateNotAfter != nil {
		row[3] = "cert " + daysLeft(*c.CertificateNotAfter, g.now)
	}
	if c.State == incident.CheckOK {
		row[4] = g.timing([]*api.Check{c})
	}
	return row
}

// planned says until when nothing is sent about a check, because somebody wants it so.
func (g *statusPage) planned(c *api.Check) string {
	switch {
	case c.Maintenance != nil:
		return g.maintenance(c.Maintenance)
	case c.SilencedUntil != nil:
		return "silenced until " + g.formatMinute(*c.SilencedUntil)
	}
	return ""
}

func (g *statusPage) maintenance(m *api.Maintenance) string {
	if m.Until == nil {
		return m.Name
	}
	return "until " + g.formatMinute(*m.Until) + " (" + m.Name + ")"
}

// daysLeft says how long a certificate is good.
func daysLeft(end, now time.Time) string {
	const day = 24 * 60 * 60 // a Duration ends at 292 years, a certificate may not
	switch days := (end.Unix() - now.Unix()) / day; {
	case end.Before(now):
		return "expired"
	case days == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", days)
	}
}

// countUneventful writes how many checks there are of each group and state; of the outermost
// groups, or of all together, where the groups are many.
func (g *statusPage) countUneventful(checks []*api.Check) {
	outermost := func(c *api.Check) string { group, _, _ := strings.Cut(groupOf(c), "/"); return group }
	everywhere := func(*api.Check) string { return "" }
	var lists [][]*api.Check
	for _, group := range []func(*api.Check) string{groupOf, outermost, everywhere} {
		lists = groupByKey(checks, func(c *api.Check) string { return string(c.State) + "\x00" + g.planned(c) + "\x00" + group(c) })
		if len(lists) > mostUneventful/2 {
			continue
		}
		rows := make([][]string, 0, len(lists))
		for _, list := range lists {
			rows = append(rows, g.countRow(group(list[0]), list))
		}
		g.line("")
		lines := alignColumns(g.width-stateRoom, []column{{}, {rank: 1}, {rank: 4}, {rank: 2}, {rank: 3}}, rows)
		for i, list := range lists {
			g.writeRow(list[0].State, lines[i], g.planned(list[0]))
		}
		return
	}
	g.line("")
	for _, list := range groupByKey(checks, func(c *api.Check) string { return string(c.State) }) {
		g.writeRow(list[0].State, []string{plural(len(list), "check") + onServers(list)}, "")
	}
}

// countRow returns the group of some checks, how many they are, on how many servers, how long
// the slowest conversation took, and when the first certificate ends.
func (g *statusPage) countRow(group string, checks []*api.Check) []string {
	row := []string{group, plural(len(checks), "check"), strings.TrimSpace(onServers(checks)), "", ""}
	if group == "" {
		row[0], row[1] = row[1], ""
	}
	var slowest float64
	var first *time.Time
	for _, c := range checks {
		first = earlier(first, c.CertificateNotAfter)
		if c.LatencyMS != nil {
			slowest = max(slowest, *c.LatencyMS)
		}
	}
	if slowest > 0 {
		row[3] = fmt.Sprintf("up to %.0f ms", slowest)
	}
	if first != nil {
		row[4] = "cert " + daysLeft(*first, g.now)
	}
	return row
}
