package tracker

import (
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// world gathers the incidents that are to be looked at, and lets go of those
// that all have heard of.
func (t *Tracker) world(all bool, some map[incident.ID]bool, now time.Time) outbox.World {
	w := t.surroundings()
	if all {
		for id := range t.ledger.active {
			t.gather(&w, id, now)
		}
	} else {
		for id := range some {
			t.gather(&w, id, now)
		}
	}
	outbox.Sort(w.Subjects)
	return w
}

// gather adds an incident to a world, or takes it out of those that are looked at when nobody
// has to hear of it any more.
func (t *Tracker) gather(w *outbox.World, id incident.ID, now time.Time) {
	rec, ok := t.ledger.active[id]
	if !ok {
		t.agenda.wake(id, time.Time{})
		return
	}
	in := rec.incident
	if in.Live() && in.Unreported() {
		return // nobody has to hear of it yet
	}
	if in.Live() || !t.isSettled(in, now) {
		t.addSubject(w, in, now)
		return
	}
	t.ledger.retire(id)
	delete(t.stuck, id)
	t.agenda.wake(id, time.Time{})
}

// isSettled reports whether nobody has to hear any more of an incident that is over.
func (t *Tracker) isSettled(in incident.Incident, now time.Time) bool {
	return in.Unreported() || t.book.NothingOwed(in.ID) && now.Sub(in.ClosedAt) >= outbox.Lately
}

// surroundings returns the world without its subjects.
func (t *Tracker) surroundings() outbox.World {
	return outbox.World{
		Rates: t.Rates, Notifiers: t.cfg.Notifiers, Roles: t.cfg.Roles, Silences: slices.Collect(maps.Values(t.silences)),
		Calendar: t.calendar, Dependencies: t.dependencies,
		Monitor: t.notifyBlocks(t.cfg.Daemon.Roles), Started: t.started,
	}
}

// addSubject adds an incident to a world, and the services of what it may wait for.
func (t *Tracker) addSubject(w *outbox.World, in incident.Incident, now time.Time) {
	s := outbox.Subject{Incident: in, Fresh: t.isFresh(in.ID), Before: t.before(in), Told: t.toldElsewhere(&in)}
	if isTrouble(in.Check) {
		s.FreshAt = t.started.Add(outbox.FallbackAfter)
		s.Notify, s.Remind = t.notifyBlocks(t.cfg.Daemon.Roles), remindOfTrouble
	} else if c, ok := t.cfg.Checks[in.Check]; ok {
		s.Config, s.Notify, s.Remind = c, t.notifyBlocks(c.Roles), c.Policy.RemindEvery(in.Severity)
		t.addParents(w, c.ID)
		if c.Server != "" && outbox.AwaitsSiblings(&in, now) {
			t.addSiblings(w, c.Server)
		}
	}
	w.Subjects = append(w.Subjects, s)
}

// addParents adds how the services are that a check depends on, and, behind those of
// which nothing is decided yet, what these depend on.
func (t *Tracker) addParents(w *outbox.World, id config.CheckID) {
	for _, parent := range t.dependencies.Parents(id) {
		for _, member := range t.dependencies.Members(parent) {
			t.addService(w, member)
		}
	}
}

// addService adds how the service of a check is, and returns it.
func (t *Tracker) addService(w *outbox.World, id config.CheckID) outbox.Service {
	s, known := w.Services[id]
	if !known {
		s = t.service(id)
		if w.Services == nil {
			w.Services = map[config.CheckID]outbox.Service{}
		}
		// Before its parents, so that this ends even in a circle, which the files refuse.
		w.Services[id] = s
		// What it depends on may be down, and the reason for all of them.
		if s.Undecided() {
			t.addParents(w, id)
		}
	}
	return s
}

// addSiblings adds the services of a server up to the first that an opening would wait
// for: one is enough, and a server may have thousands.
func (t *Tracker) addSiblings(w *outbox.World, server config.ServerID) {
	for _, id := range t.dependencies.Siblings(server) {
		if s := t.addService(w, id); s.Unconfirmed() && outbox.Unreachable(&s.Incident) {
			return
		}
	}
}

// service returns how the service of a check is.
func (t *Tracker) service(id config.CheckID) outbox.Service {
	c, ok := t.checks[id]
	if !ok {
		return outbox.Service{}
	}
	in, _ := c.state.Incident(config.ConditionService)
	return outbox.Service{Incident: in, Observed: c.served || c.state.Live()}
}

// before lists older incidents of the same topic that are over and that somebody
// may still have to hear of.
func (t *Tracker) before(in incident.Incident) (ids []incident.ID) {
	if !in.Open() || len(t.ledger.about[in.Check]) < 2 {
		return nil
	}
	for _, id := range t.ledger.about[in.Check] {
		if other := t.ledger.active[id].incident; id != in.ID && other.Condition == in.Condition && !other.Live() {
			ids = append(ids, id)
		}
	}
	return ids
}

// notifyBlocks returns the notify blocks of roles. They belong to the configuration: nobody may
// change them.
func (t *Tracker) notifyBlocks(roles []config.RoleID) (ways []config.Notify) {
	if len(roles) == 1 {
		if r, ok := t.cfg.Roles[roles[0]]; ok {
			return r.Notify // the common case, without a copy
		}
	}
	for _, role := range roles {
		if r, ok := t.cfg.Roles[role]; ok {
			ways = append(ways, r.Notify...)
		}
	}
	return slices.Clip(ways)
}

// maxPerHour returns the bound of a notifier's messages in an hour; 0: none.
func (t *Tracker) maxPerHour(id config.NotifierID) int {
	if n, ok := t.cfg.Notifiers[id]; ok {
		return n.MaxPerHour
	}
	return 0
}
