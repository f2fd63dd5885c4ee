package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Explain returns why the destinations of the subjects of a world are not told now, by
// the decisions of [Plan]: each that has not heard of the current state and that no
// delivery is under way to has a reason, and a delivery that is held back has one, too.
// Ask it after the book has what Plan decided. A gathering message may go out earlier
// than Explain says, with that of an incident which is not among the subjects.
func Explain(b *Book, w World, now time.Time) []Held {
	p := newPlanner(b, w, now)
	p.explains = true
	p.compareAll()
	for _, d := range p.order {
		due, limited := p.dueTime(d), len(p.Held)
		if !due.After(now) {
			p.decideDraft(d) // which Plan has done, but for what max_per_hour holds back
		}
		for i, item := range d.items {
			if slices.ContainsFunc(p.Held[limited:], func(h Held) bool { return h.Incident == item.Incident }) {
				continue
			}
			p.reasons = append(p.reasons, Held{
				Incident: item.Incident, NotifyID: d.to.notifyID(d.asked[i].roles[0]), Roles: d.asked[i].roles, Kind: d.kind,
				Transition: item.Transition, Reason: HeldToGather, Until: latest(due, now),
			})
		}
	}
	return joinByReason(append(p.reasons, p.Held...))
}

// notifyID returns the destination together with a role for which it is told.
func (d Destination) notifyID(role config.RoleID) config.NotifyID {
	return config.NotifyID{Role: role, Notifier: d.Notifier, Target: d.Target}
}

// noteReason keeps a reason, where Plan is to explain itself, for one notify block.
func (p *planner) noteReason(s *Subject, block *config.Notify, n *need, why *hold) {
	if !p.explains || !why.holds() || n.knows {
		return
	}
	h := *why
	kind, _ := p.world.kind(block.ID.Notifier)
	// Looked up here and not where it is decided: only who reads it needs the name.
	if h.reason == HeldByMaintenance {
		h.name = p.world.Calendar.MaintenanceName(s.Config, p.now)
	}
	held := Held{
		Incident: s.ID, NotifyID: block.ID, Roles: []config.RoleID{block.ID.Role}, Kind: kind, Transition: n.transition,
		Reason: h.reason, Until: h.until, Name: h.name, over: !s.Live(),
	}
	if h.parent != nil {
		held.Parent = *h.parent
	}
	p.reasons = append(p.reasons, held)
}

// noteNotNeeded keeps why nothing is told that would be told otherwise. A good probe is no
// reason while a silence, a maintenance or a parent would keep it from being told anyway.
func (p *planner) noteNotNeeded(s *Subject, block *config.Notify, n *need, e *entry) {
	if p.explains && p.why.reason == HeldRecovering {
		if h := suppressionOf(n.transition, e)(&p.world, s, block.ID.Role, p.now); h.holds() {
			p.noteReason(s, block, n, &h)
			return
		}
	}
	p.noteReason(s, block, n, &p.why)
}

// noteAll keeps one reason for all notify blocks that lead to a destination.
func (p *planner) noteAll(s *Subject, blocks []*config.Notify, n need, reason HeldReason) {
	for _, block := range blocks {
		p.noteReason(s, block, &n, &hold{reason: reason})
	}
}

// noteDelivery keeps why a delivery is not sent, with its item about an incident of which nothing newer
// is to be said.
func (p *planner) noteDelivery(s *Subject, d *Delivery, item Item) {
	if !p.explains || d.State == Sending {
		return
	}
	h := p.world.itemHold(s, item, d.AskedBy(), p.now)
	if !h.holds() && item.Transition != notifiers.Closed && !s.Fresh {
		h = hold{reason: HeldUntilSeen}
	}
	if item.Transition == notifiers.Acknowledged && !item.isTrueOf(s) {
		h = hold{reason: HeldByTakingBack}
	}
	block := config.Notify{ID: d.NotifyID}
	for _, block.ID.Role = range d.AskedBy() {
		p.noteReason(s, &block, &need{transition: item.Transition}, &h)
	}
}

// noteNobody keeps that there is no destination at all.
func (p *planner) noteNobody(s *Subject) {
	if p.explains {
		gone := s.Config == nil && s.Condition != config.ConditionMonitor
		p.reasons = append(p.reasons, Held{Incident: s.ID, Reason: HeldByNobody, gone: gone})
	}
}

// joinByReason joins the roles for which a destination is not told for the same reason.
func joinByReason(all []Held) (joined []Held) {
	type same struct {
		incident   incident.ID
		to         Destination
		reason     HeldReason
		transition notifiers.Transition
		until      int64
		name       string
	}
	places := make(map[same]int, len(all))
	for _, h := range all {
		key := same{h.Incident, h.Destination(), h.Reason, h.Transition, h.Until.UnixNano(), h.Name}
		i, known := places[key]
		if !known {
			places[key] = len(joined)
			joined = append(joined, h)
			continue
		}
		joined[i].Roles = withRoles(slices.Clone(joined[i].Roles), h.Roles...)
	}
	return joined
}

// notePutOff keeps that an item does not fit into a message and waits for the next one.
func (p *planner) notePutOff(d *draft, r request, item Item) {
	if p.explains {
		p.reasons = append(p.reasons, Held{
			Incident: item.Incident, NotifyID: d.to.notifyID(r.roles[0]), Roles: r.roles, Kind: d.kind,
			Transition: item.Transition, Reason: HeldToGather, Until: p.now.Add(p.world.Rates.Digest),
		})
	}
}
