package config

import (
	"cmp"
	"fmt"
	"path"
	"slices"
)

// Renames returns which of the checks that were removed are probably those that were
// added, under another id: they probe the same. A check that has several counterparts is
// told by the last part of its id, as when a server was renamed, or not at all.
func Renames(d Diff, old, new *Config) (renames []Move) {
	type twins struct{ gone, come []CheckID }
	byProbe := map[Probe]*twins{}
	for _, id := range d.Removed {
		probe := old.Checks[id].Probe
		if byProbe[probe] == nil {
			byProbe[probe] = &twins{}
		}
		byProbe[probe].gone = append(byProbe[probe].gone, id)
	}
	for _, id := range d.Added {
		if t := byProbe[new.Checks[id].Probe]; t != nil {
			t.come = append(t.come, id)
		}
	}
	for _, t := range byProbe {
		renames = append(renames, pairUp(t.gone, t.come)...)
	}
	slices.SortFunc(renames, func(a, b Move) int { return cmp.Compare(a.From, b.From) })
	return renames
}

// pairUp pairs ids that fit each other alone: those with one last part, and then what is
// left, if that is one on each side. Thousands of checks may probe the same.
func pairUp(gone, come []CheckID) (pairs []Move) {
	goneByName, comeByName := byLastPart(gone), byLastPart(come)
	paired := func(id CheckID) bool {
		name := lastPart(id)
		return len(goneByName[name]) == 1 && len(comeByName[name]) == 1
	}
	for _, id := range gone {
		if paired(id) {
			pairs = append(pairs, Move{From: id, To: comeByName[lastPart(id)][0]})
		}
	}
	gone, come = slices.DeleteFunc(slices.Clone(gone), paired), slices.DeleteFunc(slices.Clone(come), paired)
	if len(gone) == 1 && len(come) == 1 {
		pairs = append(pairs, Move{From: gone[0], To: come[0]})
	}
	return pairs
}

// lastPart returns the part of an id that is the check's own: imaps of mx1/imaps.
func lastPart(id CheckID) string { return path.Base(string(id)) }

func byLastPart(ids []CheckID) map[string][]CheckID {
	m := map[string][]CheckID{}
	for _, id := range ids {
		m[lastPart(id)] = append(m[lastPart(id)], id)
	}
	return m
}

// Block returns a moved block as it is written in a file.
func (m Move) Block() string {
	return fmt.Sprintf("moved {\n  from = %q\n  to   = %q\n}\n", m.From, m.To)
}
