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

// A need is what a notify block asks for that its destination lacks, and when it is due.
// Plan makes several of each incident, so it is kept as small as fits into registers.
type need struct {
	transition notifiers.Transition // empty: nothing is told
	due        time.Time
	untold     bool
	// unannounced: a closing that ends what waited to be told, and is not told itself.
	unannounced bool
	// knows: the destination has heard of the current state; this would be a reminder.
	knows bool
}

// unlessHeld returns the need without its transition, which is held for a reason; a need
// that lacks nothing is returned as it is.
func (p *planner) unlessHeld(n need, h hold) need {
	if n.transition == "" {
		return n
	}
	p.why = h
	return need{knows: n.knows}
}

// notTold returns that nothing is told, and keeps why.
func (p *planner) notTold(reason HeldReason) need {
	p.why = hold{reason: reason}
	return need{}
}

// weight orders what the notify blocks to one destination ask for at once: what says more
// is told.
var weight = map[notifiers.Transition]int{
	notifiers.Reminder: 1, notifiers.Acknowledged: 2, notifiers.Changed: 3, notifiers.Escalated: 4, notifiers.Opened: 5,
	notifiers.Closed: 6,
}

// joinWith returns two needs as one: what says more, due when the earlier one is.
func (n need) joinWith(other need) need {
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
	n.unannounced = n.unannounced && other.unannounced
	return n
}

// needOf compares one incident with what one destination was told of it, as one of
// the notify blocks that lead there sees it. What is being delivered counts as told, unless
// the truth has moved on: then it is replaced by one message that says all. Why nothing
// is told, or what is waited for, is in p.why until the next call.
func (p *planner) needOf(s *Subject, block *config.Notify, e *entry, underWay bool) need {
	p.why = hold{}
	switch {
	case s.Open() && block != nil:
		return p.openNeed(s, block, e, underWay)
	case s.Open():
		return need{} // the role is out of it until it is over
	case s.Unreported():
		return p.notTold(HeldUnconfirmed)
	case s.Unconfirmed:
		return p.notTold(HeldUnconfirmed) // failing again: saying that it is over would be half the truth
	}
	return p.closingNeed(s, block, e, underWay)
}

// closingNeed returns whether a destination is told that an incident is over: whoever heard
// that it is open is. An opening that was given up was not heard; one that is still on its
// way, or that had no time to be told, is combined with the end.
func (p *planner) closingNeed(s *Subject, block *config.Notify, e *entry, underWay bool) need {
	heard := e.told.open && (e.delivered.open || underWay)
	asked := block != nil && asksFor(block, notifiers.Closed)
	unannounced := p.unannounced(s, block, e)
	// Its end was decided; what became of that message says why it did not arrive.
	decided := e.told.episode >= s.Reported && !e.told.open && !p.endedSilently(e)
	switch {
	case s.HandedOn() && e.told.episode < s.Reported && !e.told.open && !e.delivered.open:
		return p.notTold(HeldEndedTooEarly) // what it goes on as is told
	case s.HandedOn() && p.kindOf(block, e).Traits().Calls && heard:
		return need{transition: notifiers.Closed, due: p.dueAfter(s.ClosedAt, 0), untold: !e.delivered.open, unannounced: true}
	case s.HandedOn() && p.kindOf(block, e).Traits().Calls:
		return p.notTold(HeldByTransition)
	case unannounced && heard:
		return need{transition: notifiers.Closed, due: p.dueAfter(s.ClosedAt, 0), untold: true, unannounced: true}
	case unannounced && !decided && asked && accepts(block, s):
		return p.notTold(HeldUnannounced)
	// It is told, below.
	case heard && (!e.told.noClosing || asked && accepts(block, s)):
	case heard:
		if _, waits := p.waitingAcknowledgement(e); waits {
			return need{transition: notifiers.Closed, due: p.dueAfter(s.ClosedAt, 0), unannounced: true}
		}
		return p.notTold(HeldByTransition)
	case e.told.episode >= s.Reported && e.told.open:
		return p.notTold(HeldUndelivered)
	case e.delivered.open && !asked && p.endedSilently(e):
		return p.notTold(HeldByTransition)
	case e.told.episode >= s.Reported || block == nil:
		return need{} // it knows
	case !accepts(block, s):
		return p.notTold(refusal(block, s))
	case !asked:
		return p.notTold(HeldByTransition)
	default:
		if h := p.whyNeverTold(s, block, e); h.holds() {
			p.why = h
			return need{}
		}
	}
	// Who asks for openings and has not got this one hears of both in one message.
	untold := !e.delivered.open && (heard || asksFor(block, notifiers.Opened)) && !slices.Contains(s.Told, e.to)
	return need{transition: notifiers.Closed, due: p.dueAfter(s.ClosedAt, 0), untold: untold}
}

// unannounced reports whether a destination is not told of an end because it was not told of
// the beginning. Who asks for ends alone gets them.
func (p *planner) unannounced(s *Subject, block *config.Notify, e *entry) bool {
	last, told := p.book.deliveries[e.told.key]
	switch {
	case !p.kindOf(block, e).Traits().OnlyAnnounced, block != nil && !asksFor(block, notifiers.Opened):
		return false
	// It was told of the beginning, or of the end.
	case e.delivered.open, e.delivered.episode >= s.Reported:
		return false
	}
	perhaps := told && e.told.episode == s.Reported && last.Last.Unsure && !e.itemIn(last).Unannounced
	return !perhaps
}

// kindOf returns the kind of the notifier that a destination is told by; empty: it is not known.
func (p *planner) kindOf(block *config.Notify, e *entry) (kind notifiers.Kind) {
	if block != nil {
		kind, _ = p.world.kind(block.ID.Notifier)
		return kind
	}
	if last, told := p.book.deliveries[e.told.key]; told {
		kind = last.Kind
	}
	return kind
}

// whyNeverTold returns why a destination that has not heard of an incident is not told of its
// end. It is told when it ended lately, and the notify block would have heard of it at once if it
// had lasted longer. What max_per_hour has held back is told however late.
func (p *planner) whyNeverTold(s *Subject, block *config.Notify, e *entry) hold {
	if block.After > 0 {
		return hold{reason: HeldUntilAfter}
	}
	if _, within := p.withinSchedule(block, s.EndedAt); !within {
		return hold{reason: HeldBySchedule, name: string(block.During)}
	}
	if h := p.world.suppressed(s, block.ID.Role, s.EndedAt); h.holds() {
		h.until = time.Time{} // it will not be told then either
		return h
	}
	if _, held := p.heldFor(s.ID, e.to); !held && p.now.Sub(s.ClosedAt) >= Lately {
		return hold{reason: HeldEndedTooEarly}
	}
	return hold{}
}

// withinSchedule reports whether a notify block may be used at a time, and returns from
// when on if not.
func (p *planner) withinSchedule(block *config.Notify, at time.Time) (time.Time, bool) {
	if block.During == "" {
		return time.Time{}, true
	}
	return p.world.Calendar.Within(block.During, at)
}

// openNeed returns what a notify block lacks of an open incident, unless it is not known
// whether it still is open, or the notify block has its hours.
func (p *planner) openNeed(s *Subject, block *config.Notify, e *entry, underWay bool) need {
	n := p.lackingTransition(s, block, e, underWay)
	if !s.Fresh {
		return p.unlessHeld(n, hold{reason: HeldUntilSeen})
	}
	if next, within := p.withinSchedule(block, p.now); !within {
		p.lookAgainAt(next)
		return p.unlessHeld(n, hold{reason: HeldBySchedule, until: next, name: string(block.During)})
	}
	return n
}

// lackingTransition returns what a destination has not heard of an open incident: each
// episode is opened once, then what gets worse is told, and in the end that it is still so.
func (p *planner) lackingTransition(s *Subject, block *config.Notify, e *entry, underWay bool) need {
	heard := e.told.episode == s.Reported
	knows := heard && s.Worsened <= e.told.worsened
	if underWay {
		// An acknowledgement that was taken back meanwhile is not sent any more.
		item, waits := p.waitingAcknowledgement(e)
		underWay = !waits || item.isTrueOf(s)
	}
	switch {
	case !heard && !accepts(block, s):
		return p.notTold(refusal(block, s))
	case !heard && s.leavesUntold(e.to):
		return p.notTold(HeldKnown)
	case !heard && asksFor(block, notifiers.Opened):
		return p.openingNeed(s, block)
	case s.Worsened > e.told.worsened && asksForWorse(block):
		n := need{transition: notifiers.Changed, due: p.dueAfter(s.WorsenedAt, 0)}
		if heard && !e.delivered.open && asksFor(block, notifiers.Opened) {
			n.transition = openingTransition(block) // one message with the newest state
		}
		return n
	case p.lacksAcknowledgement(s, block, e, underWay):
		return need{transition: notifiers.Acknowledged, due: p.dueAfter(s.AckedAt, 0)}
	// Nobody is reminded of what is still being sent, is worked on, or is getting well.
	case s.Remind > 0 && !underWay && !s.Acknowledged() && !s.Recovering() && asksFor(block, notifiers.Reminder):
		since := s.ReportedAt
		if heard {
			since = e.told.at
		}
		due := p.dueAfter(since, s.Remind)
		p.why = hold{reason: HeldByTransition, until: due}
		return need{transition: notifiers.Reminder, due: due, knows: knows}
	case !knows:
		return p.notTold(HeldByTransition)
	}
	return need{}
}

// openingNeed returns when an opening is due. It is not told while the last observation
// was good: either it fails again, or one message will say both.
func (p *planner) openingNeed(s *Subject, block *config.Notify) need {
	switch {
	case s.Recovering():
		return p.notTold(HeldRecovering)
	case block.After > 0 && s.Acknowledged():
		return p.notTold(HeldByAcknowledgement)
	}
	since := s.ReportedAt
	if block.Severity == config.SeverityDown {
		since = latest(since, s.WorsenedAt) // when it got bad enough for this notify block
	}
	n := need{transition: openingTransition(block)}
	p.waitFor(&n, hold{reason: HeldUntilAfter, until: p.dueAfter(since, block.After)})
	if s.Config == nil || !reportedJustNow(&s.Incident, p.now) {
		return n // the usual case; what follows looks at other checks
	}
	p.waitFor(&n, p.world.parentDelay(s, p.now))
	if kind, _ := p.world.kind(block.ID.Notifier); kind.Traits().People {
		p.waitFor(&n, hold{reason: HeldForSiblings, until: p.world.siblingDelay(s, p.now)})
	}
	return n
}

// waitFor makes a need due when something ends that it waits for.
func (p *planner) waitFor(n *need, h hold) {
	if h.until.After(n.due) {
		n.due, p.why = h.until, h
	}
}

// openingTransition returns what an opening is called for a notify block.
func openingTransition(block *config.Notify) notifiers.Transition {
	if block.After > 0 {
		return notifiers.Escalated
	}
	return notifiers.Opened
}

// dueAfter is when a pause that began at since is over; now, when since lies
// ahead: a clock has been set back, and there is no saying how long it was.
func (p *planner) dueAfter(since time.Time, pause time.Duration) time.Time {
	if since.After(p.now) {
		return p.now
	}
	return since.Add(pause)
}

// asksFor reports whether a notify block asks for a transition; every notify block that says
// nothing asks for all.
func asksFor(block *config.Notify, t notifiers.Transition) bool {
	return len(block.On) == 0 || slices.Contains(block.On, t)
}

// asksForWorse reports whether a notify block asks to hear that something got worse: as a
// change, or because only what is down counts as an opening for it, and another
// role of its destination has heard of it as degraded.
func asksForWorse(block *config.Notify) bool {
	return asksFor(block, notifiers.Changed) || block.Severity == config.SeverityDown && asksFor(block, notifiers.Opened)
}

// accepts reports whether no filter of a notify block leaves an incident out.
func accepts(block *config.Notify, s *Subject) bool { return refusal(block, s) == "" }

// refusal returns which filter of a notify block leaves an incident out; empty: none.
func refusal(block *config.Notify, s *Subject) HeldReason {
	switch {
	case block.Severity == config.SeverityDown && s.Severity != config.SeverityDown:
		return HeldBySeverity
	case block.Conditions != 0 && !block.Conditions.Has(s.Condition):
		return HeldByCondition
	}
	return ""
}
