package outbox

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Destination is one place that messages go to: a notifier and a target. What
// was told is remembered by destination; the roles are why it is told. Where
// programs read, the role is part of the destination, since it is part of what
// they are told. The target is in the form of [notifiers.Kind.Place].
type Destination struct {
	Role     config.RoleID // empty where people read
	Notifier config.NotifierID
	Target   string
}

// destinationOf returns the destination of a notify block whose notifier is of a kind.
func destinationOf(id config.NotifyID, kind notifiers.Kind) Destination {
	d := Destination{Role: id.Role, Notifier: id.Notifier, Target: kind.Traits().PlaceOf(id.Target)}
	// People get one message, for however many roles; a program gets an event for each.
	if kind.Traits().People {
		d.Role = ""
	}
	return d
}

// place returns the destination without the role: one receiver, for whatever roles it is
// told.
func (d Destination) place() Destination {
	d.Role = ""
	return d
}

// Destination returns the place that the message goes to.
func (t *Notification) Destination() Destination { return destinationOf(t.NotifyID, t.Kind) }

// IsBy reports whether a notify block leads to the place that the message goes to.
func (t *Notification) IsBy(block *config.Notify) bool {
	return block.ID.Notifier == t.NotifyID.Notifier && destinationOf(block.ID, t.Kind).place() == t.Destination().place()
}

// AskedBy lists the roles that asked for the message; it has at least one.
func (t *Notification) AskedBy() []config.RoleID {
	if len(t.Roles) == 0 {
		return []config.RoleID{t.NotifyID.Role}
	}
	return t.Roles
}

// destinationFor returns where a notify block leads for an incident.
func (p *planner) destinationFor(s *Subject, told []entry, block *config.Notify) Destination {
	kind, _ := p.world.kind(block.ID.Notifier)
	return p.underFormerRole(s, told, destinationOf(block.ID, kind))
}

// destinationsFor returns where notify blocks lead for an incident. The result is good
// until the next call.
func (p *planner) destinationsFor(s *Subject, told []entry, blocks []config.Notify) []Destination {
	// Most incidents have the blocks of the same role, one after the other.
	if len(blocks) != len(p.blocks) || len(blocks) > 0 && &blocks[0] != &p.blocks[0] {
		p.blocks, p.ofBlocks = blocks, p.ofBlocks[:0]
		for i := range blocks {
			kind, _ := p.world.kind(blocks[i].ID.Notifier)
			p.ofBlocks = append(p.ofBlocks, destinationOf(blocks[i].ID, kind))
		}
	}
	p.places = p.places[:0]
	for _, d := range p.ofBlocks {
		p.places = append(p.places, p.underFormerRole(s, told, d))
	}
	return p.places
}

// underFormerRole returns a destination with the role for which it is told. A program that
// was told of the incident for a role which is no longer in the files, and is told for
// another one now, is the same destination until it has heard of the end: the role was
// renamed, so nothing is repeated.
func (p *planner) underFormerRole(s *Subject, told []entry, d Destination) Destination {
	if d.Role == "" {
		return d
	}
	last := entryFor(told, d)
	for i := range told {
		e := &told[i]
		renamed := e.to.Notifier == d.Notifier && e.to.Target == d.Target && !p.world.hasRole(e.to.Role)
		goesOn := e.told.open || p.book.pending[e.told.key] != nil || !s.Open()
		if renamed && goesOn && e.told.episode > last.told.episode {
			last = e
		}
	}
	return last.to
}

// withRoles adds those roles to a list that it does not have yet.
func withRoles(list []config.RoleID, more ...config.RoleID) []config.RoleID {
	for _, role := range more {
		if !slices.Contains(list, role) {
			list = append(list, role)
		}
	}
	return list
}
