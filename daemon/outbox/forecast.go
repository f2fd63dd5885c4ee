package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A Forecast is what would be sent of an incident that there is not.
type Forecast struct {
	ReportedAt time.Time
	Remind     time.Duration // how often it would be repeated until somebody acknowledges; 0: never
	Sent       []Foreseen    // in the order of time
	// Held are the destinations that would not be told, and why.
	Held []Held
}

// A Question is of which incident a [Forecast] is wanted.
type Question struct {
	Check     config.CheckID
	Condition config.Condition
	Severity  config.Severity
	Begins    time.Time // when the failure does
}

// Horizon is for how long a forecast looks ahead: longer than any window of a week.
const Horizon = 15 * 24 * time.Hour

// A Foreseen is a message that would be sent.
type Foreseen struct {
	NotifyID   config.NotifyID
	Roles      []config.RoleID
	Kind       notifiers.Kind
	Transition notifiers.Transition
	At         time.Time
	// Waited is what it would have waited for, besides others to be gathered with; its
	// Reason is empty where there was nothing.
	Waited Held
}

// Foresee returns what [Plan] would have sent about a subject that stays as it is for so
// long, that nobody acknowledges, and of which every message arrives at once. Nothing was
// told before. There are no reminders in it.
func Foresee(w World, s Subject, horizon time.Duration) Forecast {
	f := forecaster{book: NewBook(), waited: map[Destination]Held{}, longest: map[Destination]Held{}}
	f.ReportedAt, f.Remind = s.ReportedAt, s.Remind
	s.Remind = 0
	w.Subjects = []Subject{s}
	f.world = w
	now := s.ReportedAt
	for end := now.Add(horizon); ; {
		planned := Plan(f.book, w, now)
		f.book.Hold(w.Subjects, planned.Held)
		f.sendAll(planned.Tell, now)
		f.remember(now)
		next := planned.Again()
		if len(planned.Tell) > 0 {
			continue // with what was sent in the book the next time is another one
		}
		if next.IsZero() || !next.After(now) || next.After(end) {
			break
		}
		now = next
	}
	f.addHeld(now)
	return f.Forecast
}

// A forecaster goes through the time after an incident.
type forecaster struct {
	Forecast
	book   *Book
	world  World
	waited map[Destination]Held
	// longest is what holds a destination longest. Outside of a schedule only that is said, and a silence may go on
	// when the schedule begins.
	longest map[Destination]Held
}

// sendAll takes notifications for sent.
func (f *forecaster) sendAll(list []Notification, now time.Time) {
	for _, n := range list {
		f.book.Apply(n)
		f.book.Begin(n.Key)
		f.book.ApplyOutcome(Outcome{Key: n.Key, At: now, State: Sent, Attempts: 1})
		to := n.Destination()
		f.Sent = append(f.Sent, Foreseen{
			NotifyID: n.NotifyID, Roles: n.AskedBy(), Kind: n.Kind, Transition: n.Items[0].Transition, At: now, Waited: f.waited[to],
		})
		delete(f.waited, to)
	}
}

// remember keeps what destinations wait for, so that it can be said when they are told.
func (f *forecaster) remember(now time.Time) {
	for _, h := range Explain(f.book, f.world, now) {
		if h.Reason != HeldToGather && h.Reason != HeldByNobody {
			to := h.Destination()
			f.waited[to] = h
			if h.Until.After(f.longest[to].Until) {
				f.longest[to] = h
			}
		}
	}
}

// addHeld adds the destinations that were told nothing.
func (f *forecaster) addHeld(now time.Time) {
	for _, h := range Explain(f.book, f.world, now) {
		told := slices.ContainsFunc(f.Sent, func(s Foreseen) bool { return destinationOf(s.NotifyID, s.Kind) == h.Destination() })
		if longest := f.longest[h.Destination()]; longest.Until.After(h.Until) && !h.Until.IsZero() {
			h = longest
		}
		if !told {
			f.Held = append(f.Held, h)
		}
	}
}

// Suppose returns an incident of a check that begins at a time and is reported when it
// has lasted for fault_tolerance, as a subject.
func Suppose(cfg *config.Config, c *config.Check, condition config.Condition, severity config.Severity, begins time.Time) Subject {
	tolerance := c.Policy.FaultTolerance
	if condition == config.ConditionIntermittent {
		tolerance = 0 // it has lasted when it is found
	}
	in := incident.Incident{
		ID: "supposed", Check: c.ID, Condition: condition, Severity: severity,
		StartedAt: begins, FailingSince: begins, ReportedAt: begins.Add(tolerance), Reported: 1,
	}
	return Subject{Incident: in, Config: c, Notify: notifyBlocksOf(cfg, c.Roles), Remind: c.Policy.RemindEvery(severity), Fresh: true}
}

// WorldOf returns the world of a configuration in which nothing is silenced and all
// services are well.
func WorldOf(cfg *config.Config) World {
	return World{
		Rates: DefaultRates, Notifiers: cfg.Notifiers, Roles: cfg.Roles, Calendar: calendar.New(cfg),
		Dependencies: NewDependencies(cfg), Monitor: notifyBlocksOf(cfg, cfg.Daemon.Roles),
	}
}

// AssumeWell has what a check depends on be well in a world: of a time to come nothing
// else is known.
func (w *World) AssumeWell(id config.CheckID) {
	w.Services = map[config.CheckID]Service{}
	for _, parent := range w.Dependencies.Parents(id) {
		for _, member := range w.Dependencies.Members(parent) {
			w.Services[member] = Service{Observed: true}
		}
	}
}

func notifyBlocksOf(cfg *config.Config, roles []config.RoleID) (blocks []config.Notify) {
	for _, id := range roles {
		if r, ok := cfg.Roles[id]; ok {
			blocks = append(blocks, r.Notify...)
		}
	}
	return blocks
}
