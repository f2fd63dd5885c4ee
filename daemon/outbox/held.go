package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A HeldReason says why something that should be told is not told now. The words
// are an interface.
type HeldReason string

// The reasons. What begins with "by" comes from the files or from a person; the others
// say what is waited for.
const (
	HeldBySilence         HeldReason = "silenced"
	HeldByMaintenance     HeldReason = "maintenance"
	HeldByAcknowledgement HeldReason = "acknowledged"   // so it does not escalate
	HeldKnown             HeldReason = "known"          // from another node, and acknowledged
	HeldByTakingBack      HeldReason = "unacknowledged" // it tells of an acknowledgement that was taken back
	HeldByDependency      HeldReason = "depends_on"     // what the check depends on is down, or may be
	HeldBySchedule        HeldReason = "schedule"
	HeldBySeverity        HeldReason = "severity"
	HeldByCondition       HeldReason = "condition"
	HeldByTransition      HeldReason = "transition" // the notify block does not ask for it with on
	HeldByLimit           HeldReason = "max_per_hour"
	HeldByNobody          HeldReason = "nobody" // no role, or its notifier is not in the files

	HeldForSiblings   HeldReason = "siblings"
	HeldToGather      HeldReason = "gathering" // what happens in a short time is one message
	HeldUntilAfter    HeldReason = "after"     // escalation
	HeldUntilSeen     HeldReason = "not_reobserved"
	HeldUnconfirmed   HeldReason = "unconfirmed" // it has not lasted for fault_tolerance
	HeldRecovering    HeldReason = "recovering"
	HeldInOrder       HeldReason = "order"       // an older message about the same is being sent
	HeldUndelivered   HeldReason = "undelivered" // the opening was given up, so its end is not told
	HeldEndedTooEarly HeldReason = "over"        // it had ended before the destination could be told
	HeldUnannounced   HeldReason = "unannounced" // its opening was not sent there, so its end is not told
)

// HeldReasons lists the reasons.
func HeldReasons() []HeldReason {
	return []HeldReason{
		HeldBySilence, HeldByMaintenance, HeldByAcknowledgement, HeldKnown, HeldByTakingBack, HeldByDependency, HeldBySchedule, HeldBySeverity,
		HeldByCondition, HeldByTransition, HeldByLimit, HeldByNobody, HeldForSiblings, HeldToGather, HeldUntilAfter,
		HeldUntilSeen, HeldUnconfirmed, HeldRecovering, HeldInOrder, HeldUndelivered, HeldEndedTooEarly,
		HeldUnannounced,
	}
}

// Held is why a destination is not told of an incident now.
type Held struct {
	Incident   incident.ID
	NotifyID   config.NotifyID // the destination, and the first of the roles; zero: there is none
	Roles      []config.RoleID
	Kind       notifiers.Kind
	Transition notifiers.Transition // what would be told; empty: that is not decided
	Reason     HeldReason
	Since      time.Time  // as far as this process knows; of max_per_hour alone
	Until      time.Time  // at the earliest; zero: until something happens
	Name       string     // the name of the silence, maintenance or schedule that is the reason
	Parent     config.Ref // what the check depends on

	episode int
	over    bool // the incident has ended and does not fail again
	gone    bool // its check is not in the files
}

// Destination returns the place that the message will go to.
func (h *Held) Destination() Destination { return destinationOf(h.NotifyID, h.Kind) }

// tellsOpening reports whether an opening is held.
func (h *Held) tellsOpening() bool {
	return h.Transition == notifiers.Opened || h.Transition == notifiers.Escalated
}

// holdBack notes that an item of a draft is held until a time.
func (p *planner) holdBack(d *draft, i int, until time.Time) {
	item := d.items[i]
	h := Held{
		Incident: item.Incident, NotifyID: config.NotifyID(d.to), Roles: d.asked[i].roles, Kind: d.kind,
		Transition: item.Transition, Reason: HeldByLimit, Since: p.now, Until: until, episode: item.Episode,
	}
	h.NotifyID.Role = h.Roles[0]
	// Each Plan holds it anew, and FallbackAfter counts from the first.
	if was, ok := p.heldFor(h.Incident, d.to); ok && was.episode == h.episode && was.Since.Before(h.Since) {
		h.Since = was.Since
	}
	p.Held = append(p.Held, h)
	p.lookAgainAtAll(d.subjects[i:i+1], until)
	if help := h.Since.Add(FallbackAfter); h.tellsOpening() && help.After(p.now) {
		p.lookAgainAtAll(d.subjects[i:i+1], help)
	}
}

// heldSince returns since when something is held for a destination because of incidents
// that are not looked at now; zero: nothing is. A message with an end takes along what is
// held, so it need not gather: it goes out as soon as it does when all incidents are
// looked at.
func (p *planner) heldSince(to Destination) (since time.Time) {
	for id, list := range p.book.held {
		for _, h := range list {
			if _, looked := p.subjectOf(id); !looked && h.Destination() == to {
				since = earliestKnown(since, h.Since)
			}
		}
	}
	return since
}

// heldFor returns what is held of an incident for a destination, also under the name of a role that is
// no longer in the files: that role was renamed.
func (p *planner) heldFor(id incident.ID, to Destination) (Held, bool) {
	for _, h := range p.book.held[id] {
		is := h.Destination()
		renamed := to.Role != "" && is.place() == to.place() && !p.world.hasRole(is.Role)
		if is == to || renamed {
			return h, true
		}
	}
	return Held{}, false
}

// heldFor returns what is held of an incident for a destination.
func (b *Book) heldFor(id incident.ID, to Destination) (Held, bool) {
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

// HoldsMore reports whether a list of what a [Plan] held back has something for people
// that the Book does not hold yet.
func (b *Book) HoldsMore(held []Held) bool {
	return slices.ContainsFunc(held, func(h Held) bool {
		_, known := b.heldFor(h.Incident, h.Destination())
		return !known && h.Kind.Traits().People
	})
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
