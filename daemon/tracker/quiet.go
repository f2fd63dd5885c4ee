package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// quiet tells whether nothing is sent about an incident to a role at a time, and
// until when at least: somebody silenced it, or it is being worked on.
func (t *Tracker) quiet(s *outbox.Subject, role config.RoleID, at time.Time) (until time.Time, quiet bool) {
	check := t.cfg.Checks[s.Check]
	for _, silence := range t.silences {
		if silence.Covers(s.Check, check, role, at) && silence.Until.After(until) {
			until, quiet = silence.Until, true
		}
	}
	if quiet || check == nil {
		return until, quiet
	}
	return t.calendar.Maintenance(check, at)
}

// dependent tells whether what an incident's check depends on is down at a time,
// and until when at least; zero: until something happens.
func (t *Tracker) dependent(s *outbox.Subject, at time.Time) (until time.Time, is bool) {
	if check, ok := t.cfg.Checks[s.Check]; ok {
		return t.parentDown(check, at)
	}
	return time.Time{}, false
}

// hold keeps back what was decided before the start and has not been seen to be
// true since, and what has become quiet since it was decided.
func (t *Tracker) hold(d *outbox.Delivery, now time.Time) bool {
	return d.Outdated(t.fresh, t.open) || !slices.ContainsFunc(d.Items, func(i outbox.Item) bool {
		rec, known := t.ledger[i.Incident]
		return !known || t.mayTell(&outbox.Subject{Incident: rec.incident}, i, d.AskedBy(), now)
	})
}

// mayTell tells whether an item may be sent just now for one of the roles. The end
// of what was told does not wait for what the check depends on.
func (t *Tracker) mayTell(s *outbox.Subject, item outbox.Item, roles []config.RoleID, now time.Time) bool {
	if _, down := t.dependent(s, now); down && !item.EndsTold() {
		return false
	}
	return slices.ContainsFunc(roles, func(role config.RoleID) bool {
		_, quiet := t.quiet(s, role, now)
		return !quiet
	})
}

// parentDown tells whether something that a check depends on is down, or was so
// lately that the check has not had its own tolerance since to get well, too.
func (t *Tracker) parentDown(c *config.Check, at time.Time) (until time.Time, is bool) {
	return t.chainDown(c.ID, at, c.Policy.FaultTolerance, nil)
}

// chainDown looks at what a check depends on, and behind a parent of which nothing
// is decided at what that depends on: one that comes back from a pause or has just
// begun to fail is no reason to tell of what is down because of a third. passed are
// the checks on the way.
func (t *Tracker) chainDown(id config.CheckID, at time.Time, grace time.Duration, passed []config.CheckID) (until time.Time, is bool) {
	passed = append(passed, id)
	for _, parent := range t.dependsOn[id] {
		if until, is := t.refDown(parent, at, grace); is {
			return until, true
		}
		members := t.members(parent)
		if slices.ContainsFunc(members, func(m config.CheckID) bool { return t.decidedWell(m, at, grace) }) {
			continue // a server with a check that is well
		}
		for _, member := range members {
			if slices.Contains(passed, member) || !t.undecided(member) {
				continue
			}
			if until, is := t.chainDown(member, at, grace, passed); is {
				return until, true
			}
		}
	}
	return time.Time{}, false
}

func (t *Tracker) decidedWell(id config.CheckID, at time.Time, grace time.Duration) bool {
	_, down := t.down(id, at, grace)
	return !down && !t.undecided(id)
}

// undecided tells whether it is not known yet whether a check's service is down: it
// was not observed since the start or a pause, or fails and is not reported.
func (t *Tracker) undecided(id config.CheckID) bool {
	if _, failing := t.failing(id); failing {
		return true
	}
	c, ok := t.checks[id]
	return !ok || !c.served && !c.state.Live()
}

// parents are what a check depends on: what it and its server name in depends_on,
// and for what is paused there, what that depends on.
func (t *Tracker) parents(c *config.Check) []config.Ref { return t.dependsOn[c.ID] }

// named are what a check and its server name in depends_on.
func named(cfg *config.Config, c *config.Check) []config.Ref {
	if s, ok := cfg.Servers[c.Server]; ok && len(s.DependsOn) > 0 {
		return slices.Concat(c.DependsOn, s.DependsOn)
	}
	return c.DependsOn
}

// findParents makes [Tracker.parents] of a configuration whose members are known.
func (t *Tracker) findParents() {
	t.dependsOn = map[config.CheckID][]config.Ref{}
	paused := map[config.ServerID][]*config.Check{}
	for _, c := range t.cfg.Checks {
		if !c.Enabled && c.Server != "" {
			paused[c.Server] = append(paused[c.Server], c)
		}
	}
	for id, c := range t.cfg.Checks {
		refs := named(t.cfg, c)
		if slices.ContainsFunc(refs, func(r config.Ref) bool { return len(t.members(r)) == 0 }) {
			refs = t.passOn(refs, paused, nil)
		}
		if len(refs) > 0 {
			t.dependsOn[id] = refs
		}
	}
}

// passOn replaces references to what is paused as a whole by what that depends on;
// found are those that are known already.
func (t *Tracker) passOn(refs []config.Ref, paused map[config.ServerID][]*config.Check, found []config.Ref) []config.Ref {
	for _, r := range refs {
		if slices.Contains(found, r) {
			continue
		}
		found = append(found, r) // also of what is paused, so that a circle ends
		if len(t.members(r)) > 0 {
			continue
		}
		if c, ok := t.cfg.Checks[r.Check]; ok {
			found = t.passOn(named(t.cfg, c), paused, found)
		}
		if s, ok := t.cfg.Servers[r.Server]; ok {
			found = t.passOn(s.DependsOn, paused, found)
		}
		for _, c := range paused[r.Server] {
			found = t.passOn(c.DependsOn, paused, found)
		}
	}
	return found
}

// refDown: a server is down when all of its checks are.
func (t *Tracker) refDown(r config.Ref, at time.Time, grace time.Duration) (until time.Time, is bool) {
	members := t.members(r)
	for _, id := range members {
		end, down := t.down(id, at, grace)
		if !down {
			return time.Time{}, false
		}
		if !end.IsZero() && (until.IsZero() || end.Before(until)) {
			until = end
		}
	}
	return until, len(members) > 0
}

// members are the checks that a reference stands for, without the paused ones.
func (t *Tracker) members(r config.Ref) []config.CheckID {
	if r.Server != "" {
		return t.onServer[r.Server]
	}
	if c, ok := t.cfg.Checks[r.Check]; ok && c.Enabled {
		return []config.CheckID{r.Check}
	}
	return nil
}

// down tells whether a check's service is reported as down at a time, or was so
// lately; until is zero while it still is.
func (t *Tracker) down(id config.CheckID, at time.Time, grace time.Duration) (until time.Time, is bool) {
	in, known := t.state(id).Incident(config.ConditionService)
	switch {
	case !known || in.Reported == 0 || at.Before(in.ReportedAt) || in.Severity != config.SeverityDown:
		return time.Time{}, false
	case in.Open():
		return time.Time{}, true
	}
	until = in.EndedAt.Add(grace)
	if in.ClosedAt.After(until) {
		until = in.ClosedAt
	}
	return until, at.Before(until)
}

// affected are the checks that are failing too, and that nobody is told of
// because this one is down.
func (t *Tracker) affected(in incident.Incident, now time.Time) (names []string) {
	if !in.Open() || in.Condition != config.ConditionService {
		return nil
	}
	list := t.children[config.Ref{Check: in.Check}]
	if c, ok := t.cfg.Checks[in.Check]; ok && c.Server != "" {
		server := config.Ref{Server: c.Server}
		if _, down := t.refDown(server, now, 0); down {
			list = slices.Concat(list, t.children[server])
		}
	}
	for _, id := range list {
		if child, ok := t.state(id).Incident(config.ConditionService); ok && child.Live() {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
