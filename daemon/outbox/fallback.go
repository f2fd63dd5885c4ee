package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// FallbackAfter is how long an opening may be undelivered before others are told. Where the other side
// asks to wait longer than that, as when a quota is used up, they are told at once.
const FallbackAfter = 3 * time.Minute

// Undelivered is an opening that has not arrived.
type Undelivered struct {
	Incident incident.ID     `json:"incident"`
	NotifyID config.NotifyID `json:"way"`   // the destination, and the first role that waits
	Since    time.Time       `json:"since"` // when it was told first, or held
	// Until is when the other side lets the next attempt be made, where it asked for more than
	// FallbackAfter.
	Until time.Time `json:"until,omitzero"`
	// Refused says that some recipients were refused for good, and others have heard.
	Refused bool `json:"refused,omitempty"`
	// Held says that it was not sent at all, and why.
	Held HeldReason `json:"held,omitempty"`
}

// withFallbacks gives the notify blocks of an incident, changed for as long as an opening of it
// cannot be delivered or is held: the later notify blocks of the roles that asked for it are
// due at once; where there are none that can be used, the daemon's own roles are told.
func (p *planner) withFallbacks(s *Subject, told []entry) []config.Notify {
	// Nobody is asked to help with what may be over, or what a person works on already.
	if !s.Open() || !s.Fresh || s.Acknowledged() {
		return s.Notify
	}
	blocks := s.Notify
	help := func(to Destination, asked []config.RoleID, u Undelivered) {
		roles := p.rolesWaiting(s, told, to, asked)
		if len(roles) == 0 {
			return
		}
		u.Incident, u.NotifyID = s.ID, config.NotifyID{Role: roles[0], Notifier: to.Notifier, Target: to.Target}
		p.Undelivered = append(p.Undelivered, u)
		for _, role := range roles {
			blocks = p.addFallbacks(s, blocks, told, role)
		}
	}
	for i := range told {
		e := &told[i]
		if since, undelivered := p.undeliveredSince(s, e); undelivered {
			help(e.to, p.rolesToldLast(e), Undelivered{Since: since, Until: p.askedToWait(e), Refused: e.delivered.open})
		}
	}
	for _, h := range p.book.held[s.ID] {
		if since, tooLong := p.heldTooLong(s, h); tooLong {
			help(h.Destination(), h.Roles, Undelivered{Since: since, Held: h.Reason})
		}
	}
	return blocks
}

// rolesWaiting lists the roles for which a destination should have heard of an incident:
// those that asked and still lead there, or that lead there when none of those
// does, since a role may have been renamed; without those that are to hear nothing.
func (p *planner) rolesWaiting(s *Subject, told []entry, to Destination, asked []config.RoleID) []config.RoleID {
	var roles []config.RoleID
	for i := range s.Notify {
		if p.destinationFor(s, told, &s.Notify[i]) == to {
			roles = withRoles(roles, s.Notify[i].ID.Role)
		}
	}
	asked = slices.DeleteFunc(slices.Clone(asked), func(role config.RoleID) bool { return !slices.Contains(roles, role) })
	if len(asked) > 0 {
		roles = asked
	}
	return slices.DeleteFunc(roles, func(role config.RoleID) bool {
		h := p.world.suppressed(s, role, p.now)
		p.lookAgainAt(h.until) // they may need help then
		return h.holds()
	})
}

// heldTooLong reports whether an opening is held for so long that others are told.
// One that is recovering is not wanted just now.
func (p *planner) heldTooLong(s *Subject, h Held) (since time.Time, tooLong bool) {
	// A beginning that lies ahead is of a clock that was set back: how long it is held is not
	// known.
	if !h.tellsOpening() || h.episode != s.Reported || s.Recovering() || h.Since.After(p.now) {
		return since, false
	}
	if due := h.Since.Add(FallbackAfter); due.After(p.now) {
		p.lookAgainAt(due)
		return since, false
	}
	return h.Since, true
}

// undeliveredSince returns when a destination was told of an opening, if it has not
// arrived, or not at all of its recipients, for FallbackAfter.
func (p *planner) undeliveredSince(s *Subject, e *entry) (since time.Time, ok bool) {
	if !e.told.open || e.delivered.open && !e.delivered.partial || e.told.episode != s.Reported {
		return since, false
	}
	if e.opened.After(p.now) { // by a clock that has been set back since
		p.lookAgainAt(e.opened)
		return since, false
	}
	if !p.askedToWait(e).IsZero() {
		return e.opened, true
	}
	// Before the start nothing could be delivered, so that time does not count.
	due := latest(e.opened, p.world.Started).Add(FallbackAfter)
	suppressed := suppression((*World).suppressed)
	if h := suppressed.forAll(&p.world, s, p.rolesToldLast(e), p.now.Add(-FallbackAfter)); h.holds() {
		due = latest(due, h.until.Add(FallbackAfter)) // nobody tried meanwhile
	}
	if due.After(p.now) {
		p.lookAgainAt(due)
		return since, false
	}
	return e.opened, true
}

// askedToWait returns until when the other side asked to wait with what a destination is being told, where
// that is longer than FallbackAfter; else zero.
func (p *planner) askedToWait(e *entry) (until time.Time) {
	d, ok := p.book.pending[e.told.key]
	if !ok || !d.Last.Held || d.Attempts == 0 || d.NextAt.Sub(d.Last.At) <= FallbackAfter || !d.waitsForAttempt(p.now) {
		return until
	}
	return d.NextAt
}

// addFallbacks returns the notify blocks with the later ones of a role due at once. When none
// of those can be used now, or their destinations do not get their messages either, it adds
// those of the daemon's own roles.
func (p *planner) addFallbacks(s *Subject, blocks []config.Notify, told []entry, role config.RoleID) []config.Notify {
	// They belong to the configuration, which never changes.
	blocks = slices.Clone(blocks)
	helps := false
	for i := range blocks {
		w := &blocks[i]
		if w.ID.Role != role || w.After == 0 || !accepts(w, s) || !asksFor(w, notifiers.Opened) {
			continue
		}
		_, within := p.withinSchedule(w, p.now)
		to := p.destinationFor(s, told, w)
		_, fails := p.undeliveredSince(s, entryFor(told, to))
		if h, held := p.heldFor(s.ID, to); held && !fails {
			_, fails = p.heldTooLong(s, h)
		}
		if within {
			p.lookAgainAt(p.world.Calendar.WindowEnd(w.During, p.now)) // from then on it does not help
		}
		helps = helps || within && !fails
		// Not zero, which would make an opening of the escalation.
		w.After = atOnce
	}
	if helps {
		return blocks
	}
	for _, w := range p.world.Monitor {
		if !slices.ContainsFunc(blocks, func(o config.Notify) bool { return o.ID == w.ID }) {
			// Somebody must hear of it now, whatever the block asks for.
			w.After, w.Severity, w.Conditions = 0, "", 0
			blocks = append(blocks, w)
		}
	}
	return blocks
}

// atOnce is the pause of an escalation that does not wait any longer.
const atOnce = time.Nanosecond
