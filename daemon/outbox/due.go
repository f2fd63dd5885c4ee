package outbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// perDestination is how many attempts one destination may have under way. The next one starts
// when the outcome of the last is durable, and so a crash leaves one message at
// most of which nobody knows whether it has arrived, and which comes again.
const perDestination = 1

// A line is what waits to be delivered to one destination, in the order of telling, and
// some that is final by now.
type line struct {
	list  []*Delivery
	busy  int // attempts under way
	final int // of the list
}

// tidy lets go of what is final: at the front, where it gathers, and everywhere
// when it is most of the list.
func (l *line) tidy() {
	for len(l.list) > 0 && l.list[0].State.Final() {
		l.list = l.list[1:]
		l.final--
	}
	if 2*l.final > len(l.list) {
		l.list = slices.DeleteFunc(l.list, func(d *Delivery) bool { return d.State.Final() })
		l.final = 0
	}
}

// Due lists the deliveries whose next attempt may start now, oldest first, and
// when to ask again for the others (zero: after the next outcome, telling or
// observation). What hold reports true of waits for an observation.
func (b *Book) Due(now time.Time, hold func(*Delivery) bool) (due []*Delivery, again time.Time) {
	for to, l := range b.lines {
		if l.tidy(); len(l.list) == 0 {
			delete(b.lines, to)
			continue
		}
		free := perDestination - l.busy
		for _, d := range l.list {
			if free <= 0 {
				break // whatever else is due, the next outcome comes first
			}
			switch {
			case d.State.Final() || d.State == Sending:
			case d.waits(now):
				if again.IsZero() || d.NextAt.Before(again) {
					again = d.NextAt
				}
			case !hold(d):
				due, free = append(due, d), free-1
			}
		}
	}
	slices.SortFunc(due, func(x, y *Delivery) int { return cmp.Compare(x.number, y.number) })
	return due, again
}

// Outdated reports whether a delivery tells of nothing that is known to be so:
// of incidents that are open and have not been found failing since the start,
// and of openings whose incident is over, which the closing will replace (unless
// none is wanted).
func (d *Delivery) Outdated(fresh, open func(incident.ID) bool) bool {
	return !slices.ContainsFunc(d.Items, func(i Item) bool {
		if i.Transition == notifiers.Closed {
			return true
		}
		if !open(i.Incident) {
			return d.NoClosing || i.NoClosing
		}
		return fresh(i.Incident)
	})
}
