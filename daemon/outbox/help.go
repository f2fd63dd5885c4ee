package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// helpAfter is how long an opening may be undelivered before others are told.
const helpAfter = 3 * time.Minute

// Undelivered is an opening that has not arrived.
type Undelivered struct {
	Incident incident.ID
	Way      config.WayID // the destination, and the first role that waits
	Since    time.Time    // when it was told first
}

// helped gives the ways of an incident, changed for as long as an opening of it
// cannot be delivered: the later ways of the roles that asked for it are due at
// once; where there are none that can be used, the daemon's own roles are told.
func (p *planner) helped(s *Subject, told []entry) []config.Way {
	if !s.Open() || !s.Fresh || s.Acknowledged() {
		return s.Ways
	}
	ways := s.Ways
	for _, e := range told {
		since, undelivered := p.undelivered(s, e)
		if !undelivered {
			continue
		}
		roles := p.waiting(s, told, e)
		if len(roles) == 0 {
			continue
		}
		at := config.WayID{Role: roles[0], Notifier: e.to.Notifier, Target: e.to.Target}
		p.Undelivered = append(p.Undelivered, Undelivered{s.ID, at, since})
		for _, role := range roles {
			ways = p.withHelp(s, ways, told, role)
		}
	}
	return ways
}

// waiting lists the roles for which a destination should have heard of an incident:
// those that asked and still lead there, or that lead there when none of those
// does, since a role may have been renamed; without those that are to hear nothing.
func (p *planner) waiting(s *Subject, told []entry, e entry) []config.RoleID {
	var roles []config.RoleID
	for i := range s.Ways {
		if p.destination(s, told, &s.Ways[i]) == e.to {
			roles = withRoles(roles, s.Ways[i].ID.Role)
		}
	}
	asked := slices.Clone(p.askedLast(e))
	asked = slices.DeleteFunc(asked, func(role config.RoleID) bool { return !slices.Contains(roles, role) })
	if len(asked) > 0 {
		roles = asked
	}
	return slices.DeleteFunc(roles, func(role config.RoleID) bool {
		_, quiet := p.quiet(s, role, p.now)
		return quiet
	})
}

// undelivered: the destination was told and has not heard, for too long.
func (p *planner) undelivered(s *Subject, e entry) (since time.Time, ok bool) {
	if !e.told.open || e.sure.open || e.told.bout != s.Reported || e.opened.After(p.now) {
		return since, false
	}
	due := latest(e.opened, p.world.Started).Add(helpAfter)
	if until, quiet := quietForAll(p.quiet, s, p.askedLast(e), p.now.Add(-helpAfter)); quiet {
		due = latest(due, until.Add(helpAfter)) // nobody tried meanwhile
	}
	if due.After(p.now) {
		p.later(due)
		return since, false
	}
	return e.opened, true
}

func (p *planner) withHelp(s *Subject, ways []config.Way, told []entry, role config.RoleID) []config.Way {
	ways = slices.Clone(ways)
	helps := false
	for i := range ways {
		w := &ways[i]
		if w.ID.Role != role || w.After == 0 || !accepts(w, s) || !wants(w, notifiers.Opened) {
			continue
		}
		_, within := p.within(w, p.now)
		_, fails := p.undelivered(s, known(told, p.destination(s, told, w)))
		helps = helps || within && !fails
		w.After = atOnce
	}
	if helps {
		return ways
	}
	for _, w := range p.world.Monitor {
		if !slices.ContainsFunc(ways, func(o config.Way) bool { return o.ID == w.ID }) {
			w.After, w.Severity, w.Conditions = 0, "", nil
			ways = append(ways, w)
		}
	}
	return ways
}

// atOnce is the pause of an escalation that does not wait any longer.
const atOnce = time.Nanosecond
