package outbox

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A HeldReason says why something that should be told is not told now. The words
// are an interface.
type HeldReason string

// HeldByLimit says that the notifier has sent its max_per_hour.
const HeldByLimit HeldReason = "max_per_hour"

// The other reasons.
const (
	HeldBySilence     HeldReason = "silenced"
	HeldByMaintenance HeldReason = "maintenance"
	HeldByDependency  HeldReason = "depends_on" // it is down, or may be
)

// Held is something that a destination should be told and is not told yet.
type Held struct {
	Incident   incident.ID
	NotifyID   config.NotifyID // the destination, and the first of the roles
	Roles      []config.RoleID
	Kind       notifiers.Kind
	Transition notifiers.Transition
	Reason     HeldReason
	Since      time.Time // as far as this process knows
	Until      time.Time // at the earliest

	bout int
}

// Destination gives the place that the message will go to.
func (h *Held) Destination() Destination { return destinationOf(h.NotifyID, h.Kind) }

// opens reports whether an opening is held.
func (h *Held) opens() bool {
	return h.Transition == notifiers.Opened || h.Transition == notifiers.Escalated
}

// holdBack notes that an item of a draft is held until a time.
func (p *planner) holdBack(d *draft, i int, until time.Time) {
	item := d.items[i]
	h := Held{
		Incident: item.Incident, NotifyID: config.NotifyID(d.to), Roles: d.asked[i].roles, Kind: d.kind,
		Transition: item.Transition, Reason: HeldByLimit, Since: p.now, Until: until, bout: item.Bout,
	}
	h.NotifyID.Role = h.Roles[0]
	if was, ok := p.book.heldAt(h.Incident, d.to); ok && was.bout == h.bout && was.Since.Before(h.Since) {
		h.Since = was.Since
	}
	p.Held = append(p.Held, h)
	p.wake(d.subjects[i:i+1], until)
	if help := h.Since.Add(HelpAfter); h.opens() && help.After(p.now) {
		p.wake(d.subjects[i:i+1], help)
	}
}

// heldAt gives what is held of an incident for a destination.
func (b *Book) heldAt(id incident.ID, to Destination) (Held, bool) {
	for _, h := range b.held[id] {
		if h.Destination() == to {
			return h, true
		}
	}
	return Held{}, false
}

// Hold keeps what a [Plan] held back, of the subjects that it looked at. It is not
// journaled: after a restart the next Plan finds it again.
func (b *Book) Hold(subjects []Subject, held []Held) {
	if len(b.held) > 0 {
		for i := range subjects {
			delete(b.held, subjects[i].ID)
		}
	}
	for _, h := range held {
		b.held[h.Incident] = append(b.held[h.Incident], h)
	}
}

// Held lists what is held of an incident.
func (b *Book) Held(id incident.ID) []Held { return b.held[id] }

// Holds reports whether anything is held for a notifier.
func (b *Book) Holds(id config.NotifierID) bool {
	for _, list := range b.held {
		for _, h := range list {
			if h.NotifyID.Notifier == id {
				return true
			}
		}
	}
	return false
}

// CountHeld counts the messages that are held, as they will be when there is
// room: one a destination where people read, one an event where programs do.
func (b *Book) CountHeld() (n int) {
	people := map[Destination]bool{}
	for _, list := range b.held {
		for _, h := range list {
			if h.Kind.Traits().People {
				people[h.Destination()] = true
			} else {
				n++
			}
		}
	}
	return n + len(people)
}
