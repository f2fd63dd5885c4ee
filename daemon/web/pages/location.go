package pages

import (
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A locationRow is what one node of several sees of a check.
type locationRow struct {
	Place, Node string // Node is empty where the place is called so
	State       shownState
	What        string // in our words; empty: nothing is wrong
	Since       stamp  // since when something is wrong; not known where nothing is
	Latency     string
	Probed      stamp
}

// locationRows returns what each node sees of a check; empty: one machine watches on its own.
func (f *fleet) locationRows(c *api.Check) (rows []locationRow) {
	for i := range c.Locations {
		l := &c.Locations[i]
		row := locationRow{
			Place: l.Location, Node: l.Node, State: healthState(l.State), What: whatIsSeen(l), Latency: milliseconds(l.TookMS), Probed: f.clock.at(l.At),
		}
		if row.Node == row.Place {
			row.Node = ""
		}
		if l.Cause != "" && l.Standing != "silent" { // what that one saw is too old
			row.Since = f.clock.at(l.Since)
		}
		rows = append(rows, row)
	}
	return rows
}

// whatIsSeen says why a location is not well, or is not counted; empty: it is well.
func whatIsSeen(l *api.Location) string {
	remark := capitalised(l.Remark())
	if l.Cause == "" || l.Standing == "silent" { // what it saw is too old
		return remark
	}
	cause := causeText(config.Cause(l.Cause), config.ParsePhase(l.Phase))
	if remark == "" {
		return cause
	}
	return remark + ": " + strings.ToLower(cause[:1]) + cause[1:]
}

// capitalised returns a text as a sentence begins.
func capitalised(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
