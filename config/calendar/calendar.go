// Package calendar says when schedules and maintenance are: windows of the week,
// single times and recurrence rules (RFC 5545), by the clocks of a time zone.
//
// Everything in it is a function of a configuration and a time; nothing reads the
// machine's clock. A caller may rely on this: until the end of a [Span] nothing
// changes, and where that end is known something changes then. Windows of a schedule
// are when clocks show a time in them; maintenance begins when clocks show its
// beginning for the first time, and lasts as long as it says, in elapsed time.
package calendar

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Calendar answers for the schedules and the maintenance of a configuration. Its
// answers never change, and any goroutine may ask; a nil one has nothing in it. It
// remembers the last span of each block, since finding one takes up to a millisecond.
type Calendar struct {
	schedules   map[config.ScheduleID]*schedule
	maintenance []maintenance
	appliesTo   map[config.Ref][]int // indices of maintenance
}

type schedule struct {
	*config.Schedule
	last atomic.Pointer[Span]
}

type maintenance struct {
	*config.Maintenance
	last atomic.Pointer[Span]
}

// New returns the calendar of a configuration.
func New(cfg *config.Config) *Calendar {
	c := &Calendar{
		schedules:   make(map[config.ScheduleID]*schedule, len(cfg.Schedules)),
		maintenance: make([]maintenance, len(cfg.Maintenance)),
		appliesTo:   map[config.Ref][]int{},
	}
	for id, s := range cfg.Schedules {
		c.schedules[id] = &schedule{Schedule: s}
	}
	for i := range cfg.Maintenance {
		m := &cfg.Maintenance[i]
		c.maintenance[i].Maintenance = m
		for _, ref := range m.AppliesTo {
			if list := c.appliesTo[ref]; !slices.Contains(list, i) {
				c.appliesTo[ref] = append(list, i)
			}
		}
	}
	return c
}

// Within reports whether a time is within the windows of a schedule; if not, next
// is when the next one begins, zero when there is none. A schedule that does not
// exist is always open.
func (c *Calendar) Within(id config.ScheduleID, at time.Time) (next time.Time, within bool) {
	found := c.window(id, at)
	if found.In {
		return time.Time{}, true
	}
	return found.To, false
}

// WindowEnd returns when the windows end that a time is in, at the earliest; zero: it is in
// none, or they never end.
func (c *Calendar) WindowEnd(id config.ScheduleID, at time.Time) time.Time {
	if found := c.window(id, at); found.In {
		return found.To
	}
	return time.Time{}
}

func (c *Calendar) window(id config.ScheduleID, at time.Time) Span {
	if c == nil {
		return Span{In: true}
	}
	s, ok := c.schedules[id]
	if !ok {
		return Span{In: true}
	}
	return remembered(&s.last, at, func() Span { return scheduleSpan(s.Schedule, at) })
}

// Maintenance reports whether a check is in maintenance at a time, and until when at
// least; if not, when its next maintenance begins. Zero: nobody knows. A nil check has
// none.
func (c *Calendar) Maintenance(check *config.Check, at time.Time) (change time.Time, in bool) {
	change, in, _ = c.maintenanceOf(check, at)
	return change, in
}

// MaintenanceName returns the name of the maintenance block that a check is in at a
// time, or "".
func (c *Calendar) MaintenanceName(check *config.Check, at time.Time) string {
	_, _, name := c.maintenanceOf(check, at)
	return name
}

func (c *Calendar) maintenanceOf(check *config.Check, at time.Time) (change time.Time, in bool, name string) {
	if c == nil || check == nil || len(c.appliesTo) == 0 {
		return change, in, name
	}
	visit := func(ref config.Ref) {
		for _, i := range c.appliesTo[ref] {
			m := &c.maintenance[i]
			// Several blocks may hold: the answer is true until the first of their spans
			// ends.
			found := remembered(&m.last, at, func() Span { return maintenanceSpan(m.Maintenance, at) })
			switch {
			case found.In && !in:
				change, in, name = found.To, true, m.Name
			case found.In == in && !found.To.IsZero() && (change.IsZero() || found.To.Before(change)):
				change = found.To
			}
		}
	}
	visit(config.Ref{Check: check.ID})
	if check.Server != "" {
		visit(config.Ref{Server: check.Server})
	}
	for _, group := range check.Path {
		visit(config.Ref{Group: group})
	}
	return change, in, name
}

// remembered returns the last span if it holds at a time, or else finds another.
func remembered(last *atomic.Pointer[Span], at time.Time, find func() Span) Span {
	if s := last.Load(); s != nil && s.has(at) {
		return *s
	}
	s := find()
	// Two goroutines may get here at once. Both spans are right, so the last one may stay.
	last.Store(&s)
	return s
}

// Covers reports whether a reference names a check, its server or a group that
// it is in.
func Covers(ref config.Ref, check *config.Check) bool {
	switch {
	case ref.Check != "":
		return ref.Check == check.ID
	case ref.Server != "":
		return ref.Server == check.Server
	}
	return slices.Contains(check.Path, ref.Group)
}
