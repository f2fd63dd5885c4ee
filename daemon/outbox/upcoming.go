package outbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// An Upcoming is a message that will be sent about an incident at a time, an escalation or a
// reminder, if nothing happens to it before.
type Upcoming struct {
	Incident incident.ID
	Foreseen
}

// ListUpcoming returns what time alone will have sent about the subjects of a world, the first to
// come first. Ask it after the book has what Plan decided.
func ListUpcoming(b *Book, w World, now time.Time) []Upcoming {
	p := newPlanner(b, w, now)
	p.explains = true
	p.compareAll()
	slices.SortStableFunc(p.upcoming, func(a, b Upcoming) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.NotifyID.Notifier, b.NotifyID.Notifier), cmp.Compare(a.NotifyID.Target, b.NotifyID.Target))
	})
	return p.upcoming
}

// noteUpcoming keeps what a notify block is due to tell later, where Plan is to explain itself. A
// destination to which two roles lead is told once.
func (p *planner) noteUpcoming(s *Subject, block *config.Notify, n *need) {
	if !p.explains {
		return
	}
	kind, _ := p.world.kind(block.ID.Notifier)
	to := destinationOf(block.ID, kind)
	for i := range p.upcoming {
		u := &p.upcoming[i]
		if u.Incident == s.ID && destinationOf(u.NotifyID, u.Kind) == to && u.Transition == n.transition && u.At.Equal(n.due) {
			u.Roles = withRoles(u.Roles, block.ID.Role)
			return
		}
	}
	p.upcoming = append(p.upcoming, Upcoming{s.ID, Foreseen{
		NotifyID: block.ID, Roles: []config.RoleID{block.ID.Role}, Kind: kind, Transition: n.transition, At: n.due,
	}})
}
