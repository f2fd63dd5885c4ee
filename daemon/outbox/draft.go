package outbox

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// maxItems is the most that one message tells, and maxAbsorbed the most messages
// that it replaces, so that its record fits into the journal (1 MiB); what is
// left waits for the next one.
const (
	maxItems    = 10_000
	maxAbsorbed = 1000
)

// A draft gathers what one destination must hear.
type draft struct {
	to       Destination
	roles    []config.RoleID // that ask for it
	kind     notifiers.Kind
	target   json.RawMessage
	since    time.Time // when the first of it became due
	items    []Item
	asked    []asked // why each item is told
	subjects []int   // of the same
	has      map[incident.ID]bool
	voided   []*Delivery // what it replaces, for people; each once
	replaces map[incident.ID]Key
	size     int // of items, once those of what it replaces are in it
}

// An asked is what is kept of a request beside its item.
type asked struct {
	roles []config.RoleID
	ends  bool
}

// draftFor returns the draft of a destination, a new one if there is none; nil: it is not
// known how to reach the destination.
func (p *planner) draftFor(blocks []*config.Notify, e *entry) *draft {
	if d, ok := p.drafts[e.to]; ok {
		return d
	}
	d := &draft{to: e.to, has: map[incident.ID]bool{}, replaces: map[incident.ID]Key{}}
	if len(blocks) > 0 {
		kind, ok := p.world.kind(e.to.Notifier)
		target, err := json.Marshal(blocks[0].Target)
		if !ok || err != nil {
			return nil // the files cannot say so
		}
		d.kind, d.target = kind, target
	} else if last, ok := p.book.deliveries[e.told.key]; ok {
		// The notify block is gone: the end goes where the opening went.
		d.kind, d.target = last.Kind, last.To
	}
	p.drafts[e.to] = d
	p.order = append(p.order, d)
	return d
}

// addItem adds an item to a draft, and the delivery that it replaces.
func (p *planner) addItem(d *draft, r request, item Item, replaces *Delivery) {
	grows, voids := 1, replaces != nil && !d.replacesDelivery(replaces)
	if voids {
		grows = len(replaces.Items)
	}
	// The first item is always taken: put off, it would be put off for ever.
	if d.kind.Traits().People && d.size > 0 && d.size+grows > maxItems {
		p.lookAgainAt(p.now.Add(p.world.Rates.Digest))
		p.notePutOff(d, r, item)
		return
	}
	d.size += grows
	d.items, d.has[item.Incident] = append(d.items, item), true
	d.subjects, d.asked = append(d.subjects, p.at), append(d.asked, asked{r.roles, r.ends})
	d.roles = withRoles(d.roles, r.roles...)
	if replaces != nil {
		d.replaces[item.Incident] = replaces.Key
	}
	if voids {
		d.voided = append(d.voided, replaces)
	}
	if d.since.IsZero() || r.due.Before(d.since) {
		d.since = r.due
	}
}

// hasEnd reports whether a draft tells the end of what was told, which max_per_hour never
// holds.
func (d *draft) hasEnd() bool {
	return slices.ContainsFunc(d.asked, func(a asked) bool { return a.ends })
}

// tellsNothing reports whether a draft, with what it replaces, only ends what waited to be
// told.
func (d *draft) tellsNothing() bool {
	for i := range d.items {
		if !d.items[i].Unannounced {
			return false
		}
	}
	for _, old := range d.voided {
		for i := range old.Items {
			if !old.Items[i].Unannounced && !d.has[old.Items[i].Incident] {
				return false
			}
		}
	}
	return true
}

// replacesDelivery reports whether the draft replaces a delivery already. It looks from
// the end: what was planned together is replaced together.
func (d *draft) replacesDelivery(replaced *Delivery) bool {
	for i := len(d.voided) - 1; i >= 0; i-- {
		if d.voided[i] == replaced {
			return true
		}
	}
	return false
}

// decideDraft makes the messages of a draft: one for people, one an item for programs; no
// more than the notifier may send in an hour. The end of what was told is never
// held: people get all that waits with it, since it is one message anyway.
func (p *planner) decideDraft(d *draft) {
	if d.kind.Traits().People {
		// It needs no place among those that may be sent in an hour, and takes nothing along.
		if d.tellsNothing() {
			p.Tell = append(p.Tell, p.mergedNotification(d))
			return
		}
		until, ok := p.takeFromLimit(d.to.Notifier, d.hasEnd())
		if ok {
			// Only now: a draft that is held back must leave what waits as it is.
			p.absorbWaiting(d)
			p.Tell = append(p.Tell, p.mergedNotification(d))
			return
		}
		for i := range d.items {
			p.holdBack(d, i, until)
		}
		return
	}
	for i, item := range d.items {
		until, ok := p.takeFromLimit(d.to.Notifier, d.asked[i].ends)
		if !ok {
			p.holdBack(d, i, until)
			continue
		}
		var replaces []Key
		if key, ok := d.replaces[item.Incident]; ok {
			replaces = []Key{key}
		}
		p.Tell = append(p.Tell, p.newNotification(d, []Item{item}, replaces))
	}
}

// absorbWaiting replaces what else waits to be delivered to the same people: when a
// channel comes back after an hour they want one message, not sixty.
func (p *planner) absorbWaiting(d *draft) {
	l := p.book.queues[d.to]
	if l == nil {
		return
	}
	for _, old := range l.list {
		// An attempt under way may have arrived; what must not be told now must not slip in
		// here.
		if old.State.Final() || old.State == Sending || d.replacesDelivery(old) ||
			d.size+len(old.Items) > maxItems || len(d.voided) >= maxAbsorbed || !p.mayStillBeTold(old) {
			continue
		}
		d.size += len(old.Items)
		d.voided = append(d.voided, old)
	}
}

// mayStillBeTold reports whether all of a message may still be told just now.
func (p *planner) mayStillBeTold(old *Delivery) bool {
	return !slices.ContainsFunc(old.Items, func(i Item) bool {
		s, known := p.subjectOf(i.Incident)
		// It is not among the subjects, so nothing is known of it.
		if !known {
			return false
		}
		return p.world.itemHold(s, i, old.AskedBy(), p.now).holds() || i.Transition != notifiers.Closed && !s.Fresh
	})
}

// subjectOf returns the subject of an incident, if it is looked at now.
func (p *planner) subjectOf(id incident.ID) (*Subject, bool) {
	// Made when it is first asked for, which in most plans is never.
	if p.index == nil {
		p.index = make(map[incident.ID]*Subject, len(p.world.Subjects))
		for i := range p.world.Subjects {
			p.index[p.world.Subjects[i].ID] = &p.world.Subjects[i]
		}
	}
	s, ok := p.index[id]
	return s, ok
}

// mergedNotification returns the message of a draft to people. It takes over what a
// replaced message would have told of other incidents, even if they have become quiet
// since: it may have arrived without an answer, so nobody can say that it was never told.
func (p *planner) mergedNotification(d *draft) Notification {
	var replaces []Key
	var items []Item
	for _, old := range d.voided {
		replaces = append(replaces, old.Key)
		d.roles = withRoles(d.roles, old.AskedBy()...)
		for _, item := range old.Items {
			// What was decided since says more: an item that only ended what waited stays in a
			// delivery that tells of others, and the incident may have begun anew.
			if last := entryFor(p.book.told[item.Incident], d.to); last.told.key != "" && last.told.key != old.Key {
				continue
			}
			if !d.has[item.Incident] {
				item.NoClosing = item.NoClosing || old.NoClosing
				items, d.has[item.Incident] = append(items, item), true
			}
		}
	}
	return p.newNotification(d, append(items, d.items...), replaces)
}

// newNotification returns a notification of the draft's destination, with its key.
func (p *planner) newNotification(d *draft, items []Item, replaces []Key) Notification {
	t := Notification{
		At: p.now, NotifyID: config.NotifyID(d.to), Kind: d.kind, To: d.target, Items: items, Replaces: replaces,
	}
	if d.kind.Traits().People {
		t.NotifyID.Role = d.roles[0]
		// A single role stands in NotifyID.
		if len(d.roles) > 1 {
			t.Roles = d.roles
		}
	}
	t.Key = t.deriveKey()
	return t
}
