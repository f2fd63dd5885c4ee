package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// quiet tells whether nothing is sent about an incident to a role at a time, and
// until when at least; zero: until something happens. Somebody silenced it, it
// is being worked on, or what it depends on is down.
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
	if until, in := t.calendar.Maintenance(s.Check, at); in {
		return until, true
	}
	return t.parentDown(check, at)
}

// hold keeps back what was decided before the start and has not been seen to be
// true since, and what has become quiet since it was decided.
func (t *Tracker) hold(d *outbox.Delivery, now time.Time) bool {
	return d.Outdated(t.fresh, t.open) || !slices.ContainsFunc(d.Items, func(i outbox.Item) bool {
		rec, known := t.ledger[i.Incident]
		return !known || slices.ContainsFunc(d.AskedBy(), func(role config.RoleID) bool {
			_, quiet := t.quiet(&outbox.Subject{Incident: rec.incident}, role, now)
			return !quiet
		})
	})
}

// parentDown tells whether something that a check depends on is down, or was so
// lately that the check has not had its own tolerance since to get well, too.
func (t *Tracker) parentDown(c *config.Check, at time.Time) (until time.Time, is bool) {
	for _, parent := range t.parents(c) {
		if until, is := t.refDown(parent, at, c.Policy.FaultTolerance); is {
			return until, true
		}
	}
	return time.Time{}, false
}

// parents are what a check and its server name in depends_on.
func (t *Tracker) parents(c *config.Check) []config.Ref {
	if s, ok := t.cfg.Servers[c.Server]; ok && len(s.DependsOn) > 0 {
		return slices.Concat(c.DependsOn, s.DependsOn)
	}
	return c.DependsOn
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
	in, known := t.state(id).Incident(incident.Service)
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
	if !in.Open() || in.Condition != incident.Service {
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
		if child, ok := t.state(id).Incident(incident.Service); ok && child.Live() {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
