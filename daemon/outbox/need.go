package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Lately is how long after its end a destination is still told of an incident that
// it has not heard of: because it asks for closings alone, or because the message
// had to wait until it was over.
const Lately = 10 * time.Minute

// A need is what a way asks for that its destination lacks, and when it is due.
type need struct {
	transition notifiers.Transition
	due        time.Time
	untold     bool
}

// weight orders what the ways to one destination ask for at once: what says more
// is told.
var weight = map[notifiers.Transition]int{
	notifiers.Reminder: 1, notifiers.Changed: 2, notifiers.Escalated: 3, notifiers.Opened: 4, notifiers.Closed: 5,
}

// join gives the earliest and the most of two needs.
func (n need) join(other need) need {
	if n.transition == "" {
		return other
	}
	if weight[other.transition] > weight[n.transition] {
		n.transition = other.transition
	}
	if other.due.Before(n.due) {
		n.due = other.due
	}
	n.untold = n.untold || other.untold
	return n
}

// need compares one incident with what one destination was told of it, as one of
// the ways that lead there sees it. What is being delivered counts as told, unless
// the truth has moved on: then it is replaced by one message that says all.
func (p *planner) need(s *Subject, way *config.Notify, e entry, underWay bool) (need, bool) {
	switch {
	case s.Open() && way != nil:
		return p.open(s, way, e, underWay)
	case s.Open():
		return need{}, false // the role is out of it until it is over
	case s.Pending:
		return need{}, false // failing again: saying that it is over would be half the truth
	}
	return p.closed(s, way, e, underWay)
}

// closed: whoever heard that it is open is told that it is over. An opening
// that died was not heard; one that is still on its way, or that had no time to
// be told, is combined with it.
func (p *planner) closed(s *Subject, way *config.Notify, e entry, underWay bool) (need, bool) {
	heard := e.told.open && (e.sure.open || underWay)
	wanted := heard && !e.told.noClosing || way != nil && wants(way, notifiers.Closed) && accepts(way, s)
	missed := e.told.bout < s.Reported && p.missed(s, way, e)
	if !wanted || !heard && !missed {
		return need{}, false
	}
	untold := !e.sure.open && (heard || wants(way, notifiers.Opened))
	return need{notifiers.Closed, p.after(s.ClosedAt, 0), untold}, true
}

// missed: it ended lately, and the way would have heard of it at once if it had
// lasted longer. What max_per_hour has held back is told however late.
func (p *planner) missed(s *Subject, way *config.Notify, e entry) bool {
	if way == nil || way.After > 0 || !accepts(way, s) {
		return false
	}
	if _, held := p.book.heldAt(s.ID, e.to); !held && p.now.Sub(s.ClosedAt) >= Lately {
		return false
	}
	_, within := p.within(way, s.EndedAt)
	return within && !p.world.suppressed(s, way.ID.Role, s.EndedAt).holds()
}

// within tells whether a way may be used, and else from when on.
func (p *planner) within(way *config.Notify, at time.Time) (time.Time, bool) {
	if way.During == "" {
		return time.Time{}, true
	}
	return p.world.Calendar.Within(way.During, at)
}

// open: each bout is opened once, then what gets worse is told, and in the end
// that it is still so.
func (p *planner) open(s *Subject, way *config.Notify, e entry, underWay bool) (need, bool) {
	heard := e.told.bout == s.Reported
	next, within := p.within(way, p.now)
	switch {
	case !s.Fresh: // who knows whether it is still so
	case !within:
		p.later(next)
	case !heard && !accepts(way, s):
	case !heard && wants(way, notifiers.Opened):
		return p.opening(s, way)
	case s.Worsened > e.told.worsened && wantsWorse(way):
		n := need{notifiers.Changed, p.after(s.WorsenedAt, 0), false}
		if heard && !e.sure.open && wants(way, notifiers.Opened) {
			n.transition = openingOf(way) // one message with the newest state
		}
		return n, true
	case s.Remind > 0 && !underWay && !s.Acknowledged() && !s.Recovering() && wants(way, notifiers.Reminder):
		since := s.ReportedAt
		if heard {
			since = e.told.at
		}
		return need{notifiers.Reminder, p.after(since, s.Remind), false}, true
	}
	return need{}, false
}

// opening is not told while the last observation was good: either it fails
// again, or one message will say both.
func (p *planner) opening(s *Subject, way *config.Notify) (need, bool) {
	if s.Recovering() || way.After > 0 && s.Acknowledged() {
		return need{}, false
	}
	since := s.ReportedAt
	if way.Severity == config.SeverityDown {
		since = latest(since, s.WorsenedAt) // when it got bad enough for this way
	}
	due := latest(p.after(since, way.After), p.world.parentDelay(s, p.now).until)
	if kind, _ := p.world.kind(way.ID.Notifier); kind.Traits().People {
		due = latest(due, p.world.siblingDelay(s, p.now))
	}
	return need{openingOf(way), due, false}, true
}

func openingOf(way *config.Notify) notifiers.Transition {
	if way.After > 0 {
		return notifiers.Escalated
	}
	return notifiers.Opened
}

// after is when a pause that began at since is over; now, when since lies
// ahead: a clock has been set back, and there is no saying how long it was.
func (p *planner) after(since time.Time, pause time.Duration) time.Time {
	if since.After(p.now) {
		return p.now
	}
	return since.Add(pause)
}

// wants reports whether a way asks for a transition; every way that says
// nothing asks for all.
func wants(way *config.Notify, t notifiers.Transition) bool {
	return len(way.On) == 0 || slices.Contains(way.On, t)
}

// wantsWorse reports whether a way asks to hear that something got worse: as a
// change, or because only what is down counts as an opening for it, and another
// role of its destination has heard of it as degraded.
func wantsWorse(way *config.Notify) bool {
	return wants(way, notifiers.Changed) || way.Severity == config.SeverityDown && wants(way, notifiers.Opened)
}

func accepts(way *config.Notify, s *Subject) bool {
	if way.Severity == config.SeverityDown && s.Severity != config.SeverityDown {
		return false
	}
	return way.Conditions == 0 || way.Conditions.Has(s.Condition)
}
