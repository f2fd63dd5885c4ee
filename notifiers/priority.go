package notifiers

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A PriorityMap says how loud a push service makes a message, by what it is about: "down" and
// "degraded" for what is open, "changed", "escalated", "acknowledged", "closed" and "test".
type PriorityMap map[string]int

// Names returns the words that can be written in a map, as a sentence lists them.
func (p PriorityMap) names() string { return strings.Join(slices.Sorted(maps.Keys(p)), ", ") }

// With returns the map with what is written in the form of [JoinMap] in the place of its own
// values. lowest and highest bound them.
func (p PriorityMap) With(written string, lowest, highest int) (PriorityMap, error) {
	all := maps.Clone(p)
	texts := SplitMap(written)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		n, err := strconv.Atoi(texts[name])
		switch _, known := p[name]; {
		case !known:
			return nil, fmt.Errorf("priority: there is no %q: write some of %s", name, p.names())
		case err != nil || n < lowest || n > highest:
			return nil, fmt.Errorf("priority: %s must be a number from %d to %d, not %q", name, lowest, highest, texts[name])
		}
		all[name] = n
	}
	return all, nil
}

// Of returns the priority of a message: that of the loudest of its items.
func (p PriorityMap) Of(m Message) int {
	if len(m.Items) == 0 {
		return p[string(Test)]
	}
	return p.ofItem(slices.MaxFunc(m.Items, func(a, b Item) int { return cmp.Compare(p.ofItem(a), p.ofItem(b)) }))
}

func (p PriorityMap) ofItem(i Item) int {
	switch i.Transition {
	case Changed, Escalated, Acknowledged, Closed, Test:
		return p[string(i.Transition)]
	case Opened, Reminder:
	}
	return p[i.Incident.Severity]
}
