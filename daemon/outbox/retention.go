package outbox

import (
	"cmp"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Keep forgets all deliveries that tell of nothing that keep names, and lists
// the others in the order in which they were decided: applying their notifications
// and their last outcomes gives the same book.
func (b *Book) Keep(keep func(incident.ID) bool) []*Delivery {
	kept := make([]*Delivery, 0, len(b.deliveries))
	for key, d := range b.deliveries {
		if slices.ContainsFunc(d.Items, func(i Item) bool { return keep(i.Incident) }) || !d.State.Final() {
			kept = append(kept, d)
			continue
		}
		delete(b.deliveries, key)
	}
	for id := range b.told {
		if !keep(id) {
			delete(b.told, id)
			delete(b.byIncident, id)
		}
	}
	slices.SortFunc(kept, func(x, y *Delivery) int { return cmp.Compare(x.number, y.number) })
	return kept
}
