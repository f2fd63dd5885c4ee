package pages

import (
	"cmp"
	"path"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A groupRow is a group of checks on the overview.
type groupRow struct {
	ID      config.GroupID // empty: the checks that are in no group
	Label   string
	Link    string
	Open    bool
	State   shownState
	Counts  []count
	Strip   *strip // the worst of each day; nil: there is no history
	Percent string
	Checks  []checkRow // empty where they are too many
	Inner   []groupRow
	All     string // leads to all of its checks, where they are not shown
}

// A count is how many checks are in a state.
type count struct {
	State shownState
	N     string
}

func countsOf(t *tally) (list []count) {
	for i, s := range incident.CheckStates() {
		if t[i] > 0 {
			list = append(list, count{shownState(s), grouped(int(t[i]))})
		}
	}
	return list
}

// groupRows returns the groups, and last what is in none.
func (f *fleet) groupRows(rows map[config.CheckID]checkRow) (list []groupRow) {
	for _, id := range f.top {
		list = append(list, f.groupRow(id, "", rows))
	}
	if f.loose.all() > 0 {
		g := groupRow{Label: "In no group", State: f.loose.worst(), Counts: countsOf(&f.loose), Open: f.few()}
		if len(f.top) == 0 {
			g.Label = "Checks"
		}
		for i := range f.Checks {
			if c := &f.Checks[i]; len(c.Groups) == 0 && f.few() {
				g.Checks = append(g.Checks, rows[c.ID])
			}
		}
		list = append(list, g)
	}
	return list
}

func (f *fleet) groupRow(id config.GroupID, outer config.GroupID, rows map[config.CheckID]checkRow) groupRow {
	g := f.groups[id]
	row := groupRow{ID: id, Label: f.groupLabel(id, outer), Link: groupLink(id), State: g.tally.worst(), Counts: countsOf(&g.tally), Open: f.few()}
	if f.bars != nil {
		if past, known := f.bars.groups[id]; known {
			row.Strip, row.Percent = f.bars.strip(past)
		}
	}
	if !f.few() {
		row.All = "All " + counted(g.tally.all(), "check", "checks")
		return row
	}
	for _, c := range g.checks {
		row.Checks = append(row.Checks, rows[c])
	}
	for _, inner := range g.inner {
		row.Inner = append(row.Inner, f.groupRow(inner, id, rows))
	}
	return row
}

// groupLabel returns what people call a group: its label, or else the last name of its
// path where the rest is said by what it stands in.
func (f *fleet) groupLabel(id, outer config.GroupID) string {
	name := string(id)
	if outer != "" {
		name = path.Base(name)
	}
	if f.Config == nil || f.Config.Groups[id] == nil {
		return name
	}
	return cmp.Or(f.Config.Groups[id].Label, name)
}
