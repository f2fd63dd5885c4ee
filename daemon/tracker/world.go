package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
)

// world gathers the incidents that are to be looked at, and lets go of those
// that all have heard of.
func (t *Tracker) world(all bool, some map[incident.ID]bool, now time.Time) outbox.World {
	w := outbox.World{
		Rates: t.Rates, Kind: t.kind, MaxPerHour: t.maxPerHour, Quiet: t.quiet, Dependent: t.dependent, Within: t.calendar.Within,
		RoleExists: t.roleExists, Monitor: t.notifyBlocks(t.cfg.Daemon.Roles), Started: t.started,
	}
	if all {
		for id := range t.active {
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

func (t *Tracker) gather(w *outbox.World, id incident.ID, now time.Time) {
	rec, ok := t.active[id]
	if !ok {
		t.agenda.wake(id, time.Time{})
		return
	}
	in := rec.incident
	if in.Live() && in.Unreported() {
		return // nobody has to hear of it yet
	}
	if in.Live() || !in.Unreported() && (!t.book.Settled(id) || now.Sub(in.ClosedAt) < outbox.Lately) {
		w.Subjects = append(w.Subjects, t.subject(in, now))
		return
	}
	t.retire(id)
	delete(t.stuck, id)
	t.agenda.wake(id, time.Time{})
}

func (t *Tracker) subject(in incident.Incident, now time.Time) outbox.Subject {
	s := outbox.Subject{Incident: in, Fresh: t.fresh(in.ID), Before: t.before(in)}
	if isTrouble(in.Check) {
		s.Notify, s.Remind = t.notifyBlocks(t.cfg.Daemon.Roles), remindOfTrouble
		return s
	}
	if c, ok := t.cfg.Checks[in.Check]; ok {
		s.Notify, s.Remind = t.notifyBlocks(c.Roles), c.Policy.Remind
		s.Company, s.Parent = t.openingDelay(c, in, now)
	}
	return s
}

// before lists older incidents of the same topic that are over and that somebody
// may still have to hear of.
func (t *Tracker) before(in incident.Incident) (ids []incident.ID) {
	if !in.Open() || len(t.about[in.Check]) < 2 {
		return nil
	}
	for _, id := range t.about[in.Check] {
		if other := t.active[id].incident; id != in.ID && other.Condition == in.Condition && !other.Live() {
			ids = append(ids, id)
		}
	}
	return ids
}

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

func (t *Tracker) roleExists(id config.RoleID) bool {
	_, ok := t.cfg.Roles[id]
	return ok
}

func (t *Tracker) kind(id config.NotifierID) (notifiers.Kind, bool) {
	n, ok := t.cfg.Notifiers[id]
	if !ok {
		return "", false
	}
	return n.Settings.Kind(), true
}

func (t *Tracker) maxPerHour(id config.NotifierID) int {
	if n, ok := t.cfg.Notifiers[id]; ok {
		return n.MaxPerHour
	}
	return 0
}
