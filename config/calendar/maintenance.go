package calendar

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// MaintenanceSpan returns whether a maintenance block holds at a time, and until when; if not, To
// is when it begins the next time.
func MaintenanceSpan(m *config.Maintenance, at time.Time) Span { return maintenanceSpan(m, at) }

// maintenanceSpan returns the span of a maintenance block around a time.
func maintenanceSpan(m *config.Maintenance, at time.Time) Span {
	switch {
	case m.Weekly != nil:
		return weeklySpan(m, at)
	case m.RRule == "":
		return onceSpan(m, at)
	}
	return recurringSpan(m, at)
}

// onceSpan returns the span of maintenance that is not repeated. The dates on which
// there is none are taken out of it.
func onceSpan(m *config.Maintenance, at time.Time) Span {
	left := []stretch{{m.Start, m.Start.Add(m.Duration)}}
	for _, text := range m.Except {
		day, err := time.Parse(DateLayout, text)
		if err != nil {
			continue // it was checked when the files were read
		}
		begins, ends := Reaching(day, m.Zone), Reaching(day.AddDate(0, 0, 1), m.Zone)
		var rest []stretch
		for _, s := range left {
			for _, part := range []stretch{{s.from, earlier(s.to, begins)}, {later(s.from, ends), s.to}} {
				if part.to.After(part.from) {
					rest = append(rest, part)
				}
			}
		}
		left = rest
	}
	return spanAround(at, left)
}

// weeklySpan returns the span of maintenance in windows of the week. It begins and ends
// when clocks show its hours for the first time, so an hour that comes twice in a night
// makes it run once; where clocks skip the hour, when they are put forward.
func weeklySpan(m *config.Maintenance, at time.Time) Span {
	today := Showing(at, m.Zone).Truncate(24 * time.Hour)
	days := 10 + 7*len(m.Except) // so many weeks may have no window
	var list []stretch
	// A window of yesterday may go on today; one day more is to spare.
	for n := -2; n < days; n++ {
		day := today.AddDate(0, 0, n)
		if slices.Contains(m.Except, day.Format(DateLayout)) {
			continue
		}
		for _, w := range m.Weekly {
			if w.Days[day.Weekday()] {
				list = append(list, windowOn(day, w, m.Zone))
			}
		}
	}
	found := spanAround(at, list)
	// Windows that follow each other without a gap end only where the search did.
	if last := today.AddDate(0, 0, days-1); found.In && Showing(found.To, m.Zone).After(last) {
		found.To = unendingUntil(at, m.Except)
	}
	return found
}

// windowOn returns a window of the week as it lies on a date: day as if it were UTC.
func windowOn(day time.Time, w config.Window, zone *time.Location) stretch {
	end := day
	if w.To <= w.From {
		end = day.AddDate(0, 0, 1)
	}
	minute := func(day time.Time, n int) time.Time {
		return Reaching(day.Add(time.Duration(n)*time.Minute), zone)
	}
	return stretch{minute(day, w.From), minute(end, w.To)}
}

// Begins reports whether maintenance begins on a day, or, if it is not repeated, goes
// on then; exceptions do not count. The day is what clocks show, as if it were UTC.
func Begins(m *config.Maintenance, day time.Time) bool {
	next := day.AddDate(0, 0, 1)
	switch {
	case m.Weekly != nil:
		return WindowBegins(m.Weekly, day)
	case m.RRule == "":
		return m.Start.Before(Reaching(next, m.Zone)) && m.Start.Add(m.Duration).After(Reaching(day, m.Zone))
	}
	for shown := range beginnings(m, next) {
		if !shown.Before(day) && shown.Before(next) {
			return true
		}
	}
	return false
}

// Occurs reports whether maintenance is at any time: that its rule fits a day, and its
// exceptions do not take out all of it.
func Occurs(m *config.Maintenance) bool {
	switch {
	case m.Weekly != nil:
		return true
	case m.RRule != "":
		return recurs(m)
	}
	end := m.Start.Add(m.Duration)
	for day := Showing(m.Start, m.Zone).Truncate(24 * time.Hour); Reaching(day, m.Zone).Before(end); day = day.AddDate(0, 0, 1) {
		if !slices.Contains(m.Except, day.Format(DateLayout)) {
			return true
		}
	}
	return false
}
