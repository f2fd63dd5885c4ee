package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// asksForAcknowledged reports whether a notify block asks to hear that a person works on an
// incident. One that says nothing does where the kind of its notifier wants that.
func asksForAcknowledged(block *config.Notify, kind notifiers.Kind) bool {
	if len(block.On) == 0 {
		return kind.Traits().Acknowledged
	}
	return slices.Contains(block.On, notifiers.Acknowledged)
}

// lacksAcknowledgement reports whether a destination that has got the opening of an incident has not heard
// who works on it. What else is under way is not replaced, since it says more. That an
// acknowledgement was taken back is not told: no service knows such a message, and reminders go on.
func (p *planner) lacksAcknowledgement(s *Subject, block *config.Notify, e *entry, underWay bool) bool {
	if !s.Acknowledged() || underWay || !e.delivered.open || e.delivered.episode != s.Reported {
		return false
	}
	kind, _ := p.world.kind(block.ID.Notifier)
	return e.told.acknowledged != nanoseconds(s.AckedAt) && asksForAcknowledged(block, kind)
}

// acknowledgementIn returns which acknowledgement of an incident a destination knows of when it is told a
// transition. People read of it in every message about what is open; to programs it is an event of its own.
func acknowledgementIn(s *Subject, t notifiers.Transition, kind notifiers.Kind, e *entry) time.Time {
	switch {
	case t == notifiers.Closed:
		return time.Time{}
	case t == notifiers.Acknowledged || kind.Traits().People:
		return s.AckedAt.UTC().Round(0)
	case e.delivered.open && e.delivered.acknowledged != 0:
		return time.Unix(0, e.delivered.acknowledged).UTC()
	}
	return time.Time{}
}

// waitingAcknowledgement returns whether a delivery to a destination tells nothing of an incident but who works
// on it.
func (p *planner) waitingAcknowledgement(e *entry) (item Item, waits bool) {
	d, ok := p.book.pending[e.told.key]
	if !ok {
		return item, false
	}
	item = e.itemIn(d)
	return item, item.Transition == notifiers.Acknowledged
}

// endedSilently reports whether the last thing decided for a destination was to send nothing more of an incident.
func (p *planner) endedSilently(e *entry) bool {
	d, ok := p.book.deliveries[e.told.key]
	return ok && e.itemIn(d).Unannounced
}

// isTrueOf reports whether an item that tells of an acknowledgement tells the one that counts now.
func (i Item) isTrueOf(s *Subject) bool {
	return s.Acknowledged() && i.Acknowledged.Equal(s.AckedAt)
}

// nanoseconds returns a time in nanoseconds since 1970; 0 for the zero time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
