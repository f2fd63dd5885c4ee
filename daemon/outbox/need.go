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
	transition notifiers.Transition // empty: nothing is told
	due        time.Time
	untold     bool
	hold       // why nothing is told although something is lacking, or what is not due yet
	// knows: the destination has heard of the current state; this would be a reminder.
	knows bool
}

// unless returns that what is lacking is held.
func (n need) unless(h hold) need {
	if n.transition == "" {
		return n
	}
	return need{hold: h, knows: n.knows}
}

func notTold(reason HeldReason) need { return need{hold: hold{reason: reason}} }

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
func (p *planner) need(s *Subject, way *config.Notify, e entry, underWay bool) need {
	switch {
	case s.Open() && way != nil:
		return p.open(s, way, e, underWay)
	case s.Open():
		return need{} // the role is out of it until it is over
	case s.Unreported():
		return notTold(HeldUnconfirmed)
	case s.Unconfirmed:
		return notTold(HeldUnconfirmed) // failing again: saying that it is over would be half the truth
	}
	return p.closed(s, way, e, underWay)
}

// closed: whoever heard that it is open is told that it is over. An opening
// that died was not heard; one that is still on its way, or that had no time to
// be told, is combined with it.
func (p *planner) closed(s *Subject, way *config.Notify, e entry, underWay bool) need {
	heard := e.told.open && (e.sure.open || underWay)
	asked := way != nil && wants(way, notifiers.Closed)
	switch {
	case heard && (!e.told.noClosing || asked && accepts(way, s)):
	case heard:
		return notTold(HeldByTransition)
	case e.told.bout >= s.Reported && e.told.open:
		return notTold(HeldUndelivered)
	case e.told.bout >= s.Reported || way == nil:
		return need{} // it knows
	case !accepts(way, s):
		return notTold(refusal(way, s))
	case !asked:
		return notTold(HeldByTransition)
	default:
		if h := p.unheard(s, way, e); h.holds() {
			return need{hold: h}
		}
	}
	untold := !e.sure.open && (heard || wants(way, notifiers.Opened))
	return need{transition: notifiers.Closed, due: p.after(s.ClosedAt, 0), untold: untold}
}

// unheard returns why a destination that has not heard of an incident is not told of its
// end. It is told when it ended lately, and the way would have heard of it at once if it
// had lasted longer. What max_per_hour has held back is told however late.
func (p *planner) unheard(s *Subject, way *config.Notify, e entry) hold {
	if way.After > 0 {
		return hold{reason: HeldUntilAfter}
	}
	if _, within := p.within(way, s.EndedAt); !within {
		return hold{reason: HeldBySchedule, block: string(way.During)}
	}
	if h := p.world.suppressed(s, way.ID.Role, s.EndedAt); h.holds() {
		h.until = time.Time{} // it will not be told then either
		return h
	}
	if _, held := p.book.heldAt(s.ID, e.to); !held && p.now.Sub(s.ClosedAt) >= Lately {
		return hold{reason: HeldEndedTooEarly}
	}
	return hold{}
}

// within tells whether a way may be used, and else from when on.
func (p *planner) within(way *config.Notify, at time.Time) (time.Time, bool) {
	if way.During == "" {
		return time.Time{}, true
	}
	return p.world.Calendar.Within(way.During, at)
}

// open returns what a way lacks of an open incident, unless it is not known whether it
// still is open, or the way has its hours.
func (p *planner) open(s *Subject, way *config.Notify, e entry, underWay bool) need {
	n := p.lacks(s, way, e, underWay)
	if !s.Fresh {
		return n.unless(hold{reason: HeldUntilSeen})
	}
	if next, within := p.within(way, p.now); !within {
		p.later(next)
		return n.unless(hold{reason: HeldBySchedule, until: next, block: string(way.During)})
	}
	return n
}

// lacks: each bout is opened once, then what gets worse is told, and in the end
// that it is still so.
func (p *planner) lacks(s *Subject, way *config.Notify, e entry, underWay bool) need {
	heard := e.told.bout == s.Reported
	knows := heard && s.Worsened <= e.told.worsened
	switch {
	case !heard && !accepts(way, s):
		return notTold(refusal(way, s))
	case !heard && wants(way, notifiers.Opened):
		return p.opening(s, way)
	case s.Worsened > e.told.worsened && wantsWorse(way):
		n := need{transition: notifiers.Changed, due: p.after(s.WorsenedAt, 0)}
		if heard && !e.sure.open && wants(way, notifiers.Opened) {
			n.transition = openingOf(way) // one message with the newest state
		}
		return n
	case s.Remind > 0 && !underWay && !s.Acknowledged() && !s.Recovering() && wants(way, notifiers.Reminder):
		since := s.ReportedAt
		if heard {
			since = e.told.at
		}
		due := p.after(since, s.Remind)
		return need{transition: notifiers.Reminder, due: due, hold: hold{reason: HeldByTransition, until: due}, knows: knows}
	case !knows:
		return notTold(HeldByTransition)
	}
	return need{}
}

// opening is not told while the last observation was good: either it fails
// again, or one message will say both.
func (p *planner) opening(s *Subject, way *config.Notify) need {
	switch {
	case s.Recovering():
		return notTold(HeldRecovering)
	case way.After > 0 && s.Acknowledged():
		return notTold(HeldByAcknowledgement)
	}
	since := s.ReportedAt
	if way.Severity == config.SeverityDown {
		since = latest(since, s.WorsenedAt) // when it got bad enough for this way
	}
	n := need{transition: openingOf(way)}
	n.wait(hold{reason: HeldUntilAfter, until: p.after(since, way.After)})
	n.wait(p.world.parentDelay(s, p.now))
	if kind, _ := p.world.kind(way.ID.Notifier); kind.Traits().People {
		n.wait(hold{reason: HeldForSiblings, until: p.world.siblingDelay(s, p.now)})
	}
	return n
}

// wait makes a need due when something ends that it waits for.
func (n *need) wait(h hold) {
	if h.until.After(n.due) {
		n.due, n.hold = h.until, h
	}
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

func accepts(way *config.Notify, s *Subject) bool { return refusal(way, s) == "" }

// refusal returns which filter of a way leaves an incident out; empty: none.
func refusal(way *config.Notify, s *Subject) HeldReason {
	switch {
	case way.Severity == config.SeverityDown && s.Severity != config.SeverityDown:
		return HeldBySeverity
	case way.Conditions != 0 && !way.Conditions.Has(s.Condition):
		return HeldByCondition
	}
	return ""
}
