package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// perWay is how many attempts one way may have under way, so that a burst of
// events is not sent one by one and a slow receiver is not flooded.
const perWay = 4

// Due lists the deliveries whose next attempt may start now, oldest first, and
// when to ask again for the others (zero: after the next outcome, telling or
// observation). What hold reports true of waits for an observation.
func (b *Book) Due(now time.Time, hold func(*Delivery) bool) (due []*Delivery, again time.Time) {
	b.queue = slices.DeleteFunc(b.queue, func(d *Delivery) bool { return d.State.Final() })
	busy := map[config.WayID]int{}
	for _, d := range b.queue {
		if d.State == Sending {
			busy[d.Way]++
		}
	}
	for _, d := range b.queue {
		switch {
		case d.State == Sending:
		case d.waits(now):
			if again.IsZero() || d.NextAt.Before(again) {
				again = d.NextAt
			}
		case busy[d.Way] < perWay && !hold(d):
			busy[d.Way]++
			due = append(due, d)
		}
	}
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
			return d.NoClosing
		}
		return fresh(i.Incident)
	})
}
