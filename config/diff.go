package config

import (
	"cmp"
	"maps"
	"slices"
)

// A Diff is how two configurations differ: what a reload would do to the checks.
// It is sorted, and holds no secret. Its JSON keys are an interface.
type Diff struct {
	Added     []CheckID `json:"added"`
	Removed   []CheckID `json:"removed"`
	Changed   []Change  `json:"changed"`
	Moved     []Move    `json:"moved"`
	Unchanged int       `json:"unchanged"`
	// Elsewhere names what else differs: the daemon, notifiers, roles and so on.
	Elsewhere []string `json:"-"`
}

// A Change is what is different about one check; a moved check that also
// changed stands under its new id.
type Change struct {
	ID         CheckID           `json:"id"`
	Attributes []AttributeChange `json:"attributes"`
}

// An AttributeChange is one attribute of the language, with its values as
// users write them: secrets as "(sensitive)", files by their content's hash.
type AttributeChange struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// IsEmpty reports whether a reload would change nothing.
func (d Diff) IsEmpty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.Moved)+len(d.Elsewhere) == 0
}

// Compare returns how a configuration differs from an older one. A nil *Config has no checks.
func Compare(old, new *Config) Diff {
	before, after := checksOf(old), checksOf(new)
	d := Diff{Added: []CheckID{}, Removed: []CheckID{}, Changed: []Change{}, Moved: []Move{}, Elsewhere: elsewhere(old, new)}
	origin := map[CheckID]CheckID{}
	if new != nil {
		d.Moved, origin = moves(new.Moved, before, after)
	}
	gone := maps.Clone(before)
	for _, id := range slices.Sorted(maps.Keys(after)) {
		// A check that has moved is compared with what it was under its old id.
		from := cmp.Or(origin[id], id)
		was, existed := before[from]
		if !existed {
			d.Added = append(d.Added, id)
			continue
		}
		delete(gone, from)
		switch changes := compareChecks(was, after[id]); {
		case len(changes) > 0:
			d.Changed = append(d.Changed, Change{id, changes})
		case from == id:
			d.Unchanged++
		}
	}
	d.Removed = slices.AppendSeq(d.Removed, maps.Keys(gone))
	slices.Sort(d.Removed)
	return d
}

func checksOf(c *Config) map[CheckID]*Check {
	if c == nil {
		return nil
	}
	return c.Checks
}

// moves keeps those of the declared moves that happen between the two
// configurations: a moved block may stay in the files for years.
func moves(declared []Move, before, after map[CheckID]*Check) ([]Move, map[CheckID]CheckID) {
	happening, origin := []Move{}, map[CheckID]CheckID{}
	for _, m := range declared {
		_, fromBefore := before[m.From]
		_, fromAfter := after[m.From]
		_, toBefore := before[m.To]
		_, toAfter := after[m.To]
		// Two moves to one id would give one check two histories: the first one counts.
		if fromBefore && !fromAfter && !toBefore && toAfter && origin[m.To] == "" {
			happening = append(happening, m)
			origin[m.To] = m.From
		}
	}
	slices.SortFunc(happening, func(a, b Move) int { return cmp.Compare(a.To, b.To) })
	return happening, origin
}

func compareChecks(old, new *Check) []AttributeChange {
	var changes []AttributeChange
	for _, a := range checkAttributes {
		was, is := a.value(old), a.value(new)
		if was != is {
			changes = append(changes, AttributeChange{a.name, was, is})
		}
	}
	return append(changes, compareSecrets(old, new)...)
}

// compareSecrets returns which secrets are different, and no more about them.
func compareSecrets(old, new *Check) []AttributeChange {
	var changes []AttributeChange
	for _, s := range checkSecrets {
		was, is := s.value(old), s.value(new)
		if was != is { // as texts both are "(sensitive)"
			changes = append(changes, AttributeChange{s.name, was.String(), is.String()})
		}
	}
	return changes
}
