package api

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
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
	// Items are the same incidents, each with what the message says of it.
	Items []DeliveryItem `json:"items"`
}

// A DeliveryItem is what a message says of one incident.
type DeliveryItem struct {
	Incident   incident.ID    `json:"incident"`
	Check      config.CheckID `json:"check"`
	Transition string         `json:"transition"`
	// Says is the word of the message: DOWN, RECOVERED, ...
	Says string `json:"says"`
}

func newDeliveryItem(i *Incident, d *Delivery) DeliveryItem {
	told := notifiers.Item{
		Transition: notifiers.Transition(d.Transition),
		Incident:   notifiers.Incident{Condition: string(i.Condition), Severity: string(i.Severity), ClosedAs: i.ClosedAs},
	}
	return DeliveryItem{i.ID, i.Check, d.Transition, told.Word()}
}

// GivenUp reports whether the message was given up, so that it can be sent again.
func (d Delivery) GivenUp() bool { return d.State == outbox.Dead || d.State == outbox.Expired }

// Neglected reports whether the message was given up and nobody has dismissed it.
func (d Delivery) Neglected() bool { return d.GivenUp() && d.DismissedAt == nil }

// NewDeliveries lists the messages about incidents, the oldest first; all: those that
// have arrived or were dismissed too. A message can tell of many incidents; of others than
// these nothing is said.
func NewDeliveries(incidents []Incident, all bool) Deliveries {
	list, place := []DeliveryOf{}, map[string]int{}
	for n := range incidents {
		i := &incidents[n]
		for _, d := range i.Deliveries {
			if !all && (d.State == outbox.Sent || d.DismissedAt != nil) {
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
			list[at].Items = append(list[at].Items, newDeliveryItem(i, &d))
		}
	}
	slices.SortFunc(list, func(a, b DeliveryOf) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
	return Deliveries{Deliveries: list}
}
