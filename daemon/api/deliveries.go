package api

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Deliveries is what `deliveries --json` prints: messages as they stand in
// `incidents --json`, each with the incidents that it tells of.
type Deliveries struct {
	Deliveries []DeliveryOf `json:"deliveries"`
}

// DeliveryOf is a message and the incidents that it tells of.
type DeliveryOf struct {
	Delivery
	Incidents []incident.ID `json:"incidents"`
}

// GivenUp reports whether the message was given up, so that it can be sent again.
func (d Delivery) GivenUp() bool { return d.State == outbox.Dead || d.State == outbox.Expired }

// NewDeliveries lists the messages about incidents, the oldest first; all: those that
// have arrived too. A message can tell of many incidents.
func NewDeliveries(incidents []Incident, all bool) Deliveries {
	list, place := []DeliveryOf{}, map[string]int{}
	for _, i := range incidents {
		for _, d := range i.Deliveries {
			if !all && d.State == outbox.Sent {
				continue
			}
			name := string(d.Key)
			if name == "" { // held: what it will be told with is not decided
				name = fmt.Sprint(d.Notifier, " ", d.Target, " ", d.Roles, " ", d.Transition, " ", i.ID)
			}
			at, known := place[name]
			if !known {
				at = len(list)
				place[name] = at
				list = append(list, DeliveryOf{Delivery: d})
			}
			list[at].Incidents = append(list[at].Incidents, i.ID)
		}
	}
	slices.SortFunc(list, func(a, b DeliveryOf) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
	return Deliveries{list}
}
