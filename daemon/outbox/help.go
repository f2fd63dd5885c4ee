package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// HelpAfter is how long an opening may be undelivered before others are told.
const HelpAfter = 3 * time.Minute

// Undelivered is an opening that has not arrived.
type Undelivered struct {
	Incident incident.ID     `json:"incident"`
	NotifyID config.NotifyID `json:"way"`   // the destination, and the first role that waits
	Since    time.Time       `json:"since"` // when it was told first, or held
	// Refused says that some recipients were refused for good, and others have heard.
	Refused bool `json:"refused,omitempty"`
	// Held says that it was not sent at all, and why.
	Held HeldReason `json:"held,omitempty"`
}

// helped gives the ways of an incident, changed for as long as an opening of it
// cannot be delivered or is held: the later ways of the roles that asked for it are
// due at once; where there are none that can be used, the daemon's own roles are told.
func (p *planner) helped(s *Subject, told []entry) []config.Notify {
	if !s.Open() || !s.Fresh || s.Acknowledged() {
		return s.Notify
	}
	ways := s.Notify
	help := func(to Destination, asked []config.RoleID, u Undelivered) {
		roles := p.waiting(s, told, to, asked)
		if len(roles) == 0 {
			return
		}
		u.Incident, u.NotifyID = s.ID, config.NotifyID{Role: roles[0], Notifier: to.Notifier, Target: to.Target}
		p.Undelivered = append(p.Undelivered, u)
		for _, role := range roles {
			ways = p.withHelp(s, ways, told, role)
		}
	}
	for _, e := range told {
		if since, undelivered := p.undelivered(s, e); undelivered {
			help(e.to, p.askedLast(e), Undelivered{Since: since, Refused: e.sure.open})
		}
	}
	for _, h := range p.book.held[s.ID] {
		if since, tooLong := p.heldTooLong(s, h); tooLong {
			help(h.Destination(), h.Roles, Undelivered{Since: since, Held: h.Reason})
		}
	}
	return ways
}

// waiting lists the roles for which a destination should have heard of an incident:
// those that asked and still lead there, or that lead there when none of those
// does, since a role may have been renamed; without those that are to hear nothing.
func (p *planner) waiting(s *Subject, told []entry, to Destination, asked []config.RoleID) []config.RoleID {
	var roles []config.RoleID
	for i := range s.Notify {
		if p.destination(s, told, &s.Notify[i]) == to {
			roles = withRoles(roles, s.Notify[i].ID.Role)
		}
	}
	asked = slices.DeleteFunc(slices.Clone(asked), func(role config.RoleID) bool { return !slices.Contains(roles, role) })
	if len(asked) > 0 {
		roles = asked
	}
	return slices.DeleteFunc(roles, func(role config.RoleID) bool {
		return p.world.suppressed(s, role, p.now).holds()
	})
}

// heldTooLong reports whether an opening is held for so long that others are told.
// One that is recovering is not wanted just now.
func (p *planner) heldTooLong(s *Subject, h Held) (since time.Time, tooLong bool) {
	if !h.opens() || h.bout != s.Reported || s.Recovering() || h.Since.After(p.now) {
		return since, false
	}
	if due := h.Since.Add(HelpAfter); due.After(p.now) {
		p.later(due)
		return since, false
	}
	return h.Since, true
}

// undelivered: the destination was told and has not heard, or not all of its
// recipients have, for too long.
func (p *planner) undelivered(s *Subject, e entry) (since time.Time, ok bool) {
	if !e.told.open || e.sure.open && !e.sure.partial || e.told.bout != s.Reported || e.opened.After(p.now) {
		return since, false
	}
	due := latest(e.opened, p.world.Started).Add(HelpAfter)
	if h := suppression((*World).suppressed).forAll(&p.world, s, p.askedLast(e), p.now.Add(-HelpAfter)); h.holds() {
		due = latest(due, h.until.Add(HelpAfter)) // nobody tried meanwhile
	}
	if due.After(p.now) {
		p.later(due)
		return since, false
	}
	return e.opened, true
}

func (p *planner) withHelp(s *Subject, ways []config.Notify, told []entry, role config.RoleID) []config.Notify {
	ways = slices.Clone(ways)
	helps := false
	for i := range ways {
		w := &ways[i]
		if w.ID.Role != role || w.After == 0 || !accepts(w, s) || !wants(w, notifiers.Opened) {
			continue
		}
		_, within := p.within(w, p.now)
		to := p.destination(s, told, w)
		_, fails := p.undelivered(s, known(told, to))
		if h, held := p.book.heldAt(s.ID, to); held && !fails {
			_, fails = p.heldTooLong(s, h)
		}
		helps = helps || within && !fails
		w.After = atOnce
	}
	if helps {
		return ways
	}
	for _, w := range p.world.Monitor {
		if !slices.ContainsFunc(ways, func(o config.Notify) bool { return o.ID == w.ID }) {
			w.After, w.Severity, w.Conditions = 0, "", 0
			ways = append(ways, w)
		}
	}
	return ways
}

// atOnce is the pause of an escalation that does not wait any longer.
const atOnce = time.Nanosecond
