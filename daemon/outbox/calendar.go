package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Calendar answers for the schedules and the maintenance of a configuration.
// It keeps what it has found out, so it belongs to one goroutine.
type Calendar struct {
	cfg       *config.Config
	schedules map[config.ScheduleID]span
	works     []span
	worksOn   map[config.CheckID][]int // indices of cfg.Maintenance
}

// A span is a time during which something stays as it is; to is zero when no
// end is known.
type span struct {
	from, to time.Time
	in       bool
}

func (s span) has(at time.Time) bool {
	return !s.from.IsZero() && !at.Before(s.from) && (s.to.IsZero() || at.Before(s.to))
}

// NewCalendar makes the calendar of a configuration.
func NewCalendar(cfg *config.Config) *Calendar {
	return &Calendar{
		cfg: cfg, schedules: map[config.ScheduleID]span{}, works: make([]span, len(cfg.Maintenance)),
		worksOn: map[config.CheckID][]int{},
	}
}

// Within tells whether a time is within the windows of a schedule; if not, next
// is when the next one begins, zero when there is none. A schedule that does not
// exist is always open.
func (c *Calendar) Within(id config.ScheduleID, at time.Time) (next time.Time, within bool) {
	s, ok := c.cfg.Schedules[id]
	if !ok {
		return time.Time{}, true
	}
	found := c.schedules[id]
	if !found.has(at) {
		found = week(s, at)
		c.schedules[id] = found
	}
	if found.in {
		return time.Time{}, true
	}
	return found.to, false
}

// Maintenance tells whether a check is worked on at a time, and until when at
// least; if not, when work on it begins next. Zero: nobody knows.
func (c *Calendar) Maintenance(id config.CheckID, at time.Time) (change time.Time, in bool) {
	for _, i := range c.on(id) {
		found := c.works[i]
		if !found.has(at) {
			found = work(&c.cfg.Maintenance[i], at)
			c.works[i] = found
		}
		switch {
		case found.in && !in:
			change, in = found.to, true
		case found.in == in && !found.to.IsZero() && (change.IsZero() || found.to.Before(change)):
			change = found.to
		}
	}
	return change, in
}

func (c *Calendar) on(id config.CheckID) []int {
	list, known := c.worksOn[id]
	if known {
		return list
	}
	check, ok := c.cfg.Checks[id]
	if !ok {
		return nil
	}
	for i := range c.cfg.Maintenance {
		if slices.ContainsFunc(c.cfg.Maintenance[i].AppliesTo, func(r config.Ref) bool { return covers(r, check) }) {
			list = append(list, i)
		}
	}
	c.worksOn[id] = list
	return list
}

// covers reports whether a reference names a check, its server or a group that
// it is in.
func covers(r config.Ref, check *config.Check) bool {
	switch {
	case r.Check != "":
		return r.Check == check.ID
	case r.Server != "":
		return r.Server == check.Server
	}
	return slices.Contains(check.Path, r.Group)
}

// work finds out about a maintenance at a time.
func work(m *config.Maintenance, at time.Time) span {
	switch {
	case m.Weekly != nil:
		return weeklyWork(m, at)
	case m.RRule == "":
		return once(m, at)
	}
	return recurring(m, at)
}

// horizon is how far ahead a recurrence is looked for. That there is one at all
// was made sure of when the files were read.
const horizon = 400 * 24 * time.Hour
