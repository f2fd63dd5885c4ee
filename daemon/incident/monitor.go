package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// monitorReopenWithin is how soon after its end a fault of the monitor that comes back
// is the same incident.
const monitorReopenWithin = time.Hour

// ObserveMonitor returns what follows when something of the monitor itself is wrong (a
// finding of the condition monitor) or no longer wrong (nil). The daemon knows it and
// does not observe it, so nothing has to be confirmed. The same finding again gives no
// event.
func ObserveMonitor(s State, id config.CheckID, f *Finding, now time.Time) []Event {
	in, known := s.Incident(config.ConditionMonitor)
	live := known && in.Live()
	e := Event{At: now, Since: now, Incident: in.ID, Check: id, Condition: config.ConditionMonitor}
	switch {
	case f == nil && live:
		return []Event{in.closingEvent(Recovered, now, now)}
	case f == nil:
		return nil
	case !live:
		if !known || now.Sub(in.ClosedAt) > monitorReopenWithin {
			e.Incident = newID(id, config.ConditionMonitor, now)
		}
		// Two events, as of every incident: Failing begins an episode, and Opened reports it.
		failing, opened := e, e
		failing.Kind, opened.Kind = Failing, Opened
		failing.Finding, opened.Finding = f, f
		return []Event{failing, opened}
	case f.WorseThan(in.Finding):
		e.Kind, e.Finding, e.Since = Worsened, f, time.Time{}
		return []Event{e}
	case !f.sameStateAs(in.Finding):
		e.Kind, e.Finding, e.Since = CauseChanged, f, time.Time{}
		return []Event{e}
	}
	return nil
}
