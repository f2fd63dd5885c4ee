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
// left, if that is one on each side.
func pairUp(gone, come []CheckID) (pairs []Move) {
	lastPart := func(id CheckID) string { return path.Base(string(id)) }
	gone, come = slices.Clone(gone), slices.Clone(come)
	for _, id := range slices.Clone(gone) {
		same := func(other CheckID) bool { return lastPart(other) == lastPart(id) }
		if only(gone, same) && only(come, same) {
			i := slices.IndexFunc(come, same)
			pairs = append(pairs, Move{From: id, To: come[i]})
			come = slices.Delete(come, i, i+1)
			gone = slices.DeleteFunc(gone, same)
		}
	}
	if len(gone) == 1 && len(come) == 1 {
		pairs = append(pairs, Move{From: gone[0], To: come[0]})
	}
	return pairs
}

// only reports whether exactly one id is such.
func only(ids []CheckID, such func(CheckID) bool) bool {
	i := slices.IndexFunc(ids, such)
	return i >= 0 && !slices.ContainsFunc(ids[i+1:], such)
}

// Block returns a moved block as it is written in a file.
func (m Move) Block() string {
	return fmt.Sprintf("moved {\n  from = %q\n  to   = %q\n}\n", m.From, m.To)
}
