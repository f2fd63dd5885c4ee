package main

import (
	"fmt"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// seenFrom returns the part of a status line that names the nodes, such as "down from 2 of 3 nodes: frankfurt,
// london; well from new-york". It is empty without a cluster.
func seenFrom(c *api.Check) string {
	switch {
	case c.From == "":
		return ""
	case strings.HasPrefix(c.From, "seen by "): // a node that is alone
	case c.State == incident.CheckDown || c.State == incident.CheckDegraded:
		return string(c.State) + " from " + c.From
	}
	if c.State == incident.CheckRecovering {
		return "was " + notifiers.SeenFromClause(c.From)
	}
	return notifiers.SeenFromClause(c.From)
}

// seenLine says in a line of its own which of several nodes see an incident.
func seenLine(from string) string {
	name, text := notifiers.SeenFrom(from)
	return strings.ToLower(name) + ": " + text
}

// writeSeenFrom writes from where the checks of an entry are as they are, of several that differ the first.
func (g *statusPage) writeSeenFrom(e *statusEntry) {
	c := e.firstCheck()
	text := seenFrom(c)
	if text != "" && countIf(e.checks, func(o *api.Check) bool { return o.From == c.From }) != len(e.checks) {
		text = fmt.Sprintf("as of %s: %s", c.ID, text)
	}
	g.foldBelowState(text)
	g.foldBelowState(c.Asking())
}

// writeLocations writes what each of several nodes sees of a check.
func (g *statusPage) writeLocations(c *api.Check) {
	if len(c.Locations) == 0 {
		if g.seesNoLocations {
			g.line("")
			g.line("Locations")
			g.fold("  ", "Not known: only the node that decides knows what each node sees, and none is reached.")
		}
		return
	}
	g.line("")
	g.line("Locations")
	rows := make([][]string, len(c.Locations))
	for i := range c.Locations {
		l := &c.Locations[i]
		rows[i] = []string{l.Location, l.Node, latencyOf(l.TookMS), "probed " + timeAgo(l.At, g.now)}
		if l.Node == l.Location {
			rows[i][1] = ""
		}
		if l.At == nil {
			rows[i][3] = ""
		}
	}
	lines := alignColumns(g.width-stateRoom, []column{{}, {rank: 3}, {rank: 1, right: true}, {rank: 2}}, rows)
	for i := range c.Locations {
		l := &c.Locations[i]
		g.writeRow(incident.CheckState(l.State), lines[i], g.whyLocation(l))
	}
}

// whyLocation says why a location is not well and since when, or why it is not counted; empty: it is well.
func (g *statusPage) whyLocation(l *api.Location) string {
	why, remark := strings.TrimSpace(l.Phase+" "+l.Cause), l.Remark()
	if why != "" && l.Since != nil {
		why += ", since " + notifiers.Duration(g.now.Sub(*l.Since))
	}
	switch {
	case why == "" || l.Standing == "silent": // what it saw is too old
		return remark
	case remark == "":
		return why
	}
	return remark + ": " + why
}

// latencyOf returns how long something took; empty: that is not known.
func latencyOf(ms *float64) string {
	if ms == nil {
		return ""
	}
	return fmt.Sprintf("%.0f ms", *ms)
}
