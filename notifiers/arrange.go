package notifiers

import (
	"cmp"
	"slices"
	"strings"
)

// Arranged returns the items in the order in which people should read them: what is
// down, then what is degraded, then what is over; otherwise as it happened. Of a check and
// a condition there is one item: an incident that is over, and another that began after
// it, are told as the latter.
func (m Message) Arranged() []Item {
	items := make([]Item, 0, len(m.Items))
	places := make(map[[2]string]int, len(m.Items))
	for _, item := range m.Items {
		topic := [2]string{item.Incident.Check, item.Incident.Condition}
		i, known := places[topic]
		switch {
		case !known:
			places[topic] = len(items)
			items = append(items, item)
		case item.follows(items[i]):
			item.Earlier = append(slices.Clip(items[i].Earlier), items[i].Incident)
			items[i] = item
		default:
			items[i].Earlier = append(slices.Clip(items[i].Earlier), item.Incident)
		}
	}
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.rank(), b.rank()) })
	return items
}

// follows reports whether the item says how things are now, and the other, of the same
// check and condition, how they were before.
func (i Item) follows(other Item) bool {
	if ends := i.Ends(); ends != other.Ends() {
		return !ends
	}
	return !i.Incident.StartedAt.Before(other.Incident.StartedAt)
}

// Ends reports whether the item tells that an incident is over.
func (i Item) Ends() bool { return i.Transition == Closed }

// ranks are the words under which items are counted, in the order in which they are
// read and counted.
var ranks = []string{
	"down", "still down", "degraded", "still degraded", "acknowledged", "recovered", "changed", "paused", "removed",
	"handed over", "merged", "ended",
}

// rank returns the place of the item's word in ranks; one that is not known comes last.
func (i Item) rank() int {
	if rank := slices.Index(ranks, i.countedAs()); rank >= 0 {
		return rank
	}
	return len(ranks)
}

// countedAs returns the word under which a message of several counts the item.
func (i Item) countedAs() string {
	switch {
	case i.Ends():
		return cmp.Or(i.Incident.ClosedAs, "ended")
	case i.Transition == Acknowledged:
		return "acknowledged"
	case i.Transition == Reminder:
		return "still " + i.Incident.Severity
	}
	return i.Incident.Severity
}

// Word returns in capitals how things are: DOWN, DEGRADED, RECOVERED and so on.
func (i Item) Word() string {
	switch {
	case i.Ends():
		return strings.ToUpper(i.countedAs())
	case i.Transition == Changed:
		return "WORSE"
	case i.Transition == Acknowledged:
		return "ACKNOWLEDGED"
	case i.Transition == Escalated:
		return "ESCALATED"
	case i.Incident.Condition != monitor:
		return strings.ToUpper(i.countedAs())
	case i.Transition == Reminder:
		return "STILL A PROBLEM WITH"
	}
	return "PROBLEM WITH"
}
