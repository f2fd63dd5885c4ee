package calendar

import "time"

// DateLayout is how a date is written: "2026-12-24".
const DateLayout = time.DateOnly

// FirstShowing returns when the clocks of a zone show a time for the first time:
// clock is what they show, as if it were UTC. A time that comes twice, when clocks
// are set back, is the first of the two; one that is skipped is as late as it would
// be if they had not been put forward (RFC 5545 section 3.3.5).
func FirstShowing(clock time.Time, zone *time.Location) time.Time {
	near := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
	// The clocks may differ from UTC by what held before the change, what holds now, or
	// what comes next: the earliest moment that shows the time is the first.
	begins, ends := near.ZoneBounds()
	before := near
	if !begins.IsZero() {
		before = begins.Add(-1)
	}
	var first time.Time
	for _, around := range []time.Time{before, near, ends} { // zones may change twice in a short time
		at := clock.Add(-ahead(around)).In(zone)
		if Showing(at, zone).Equal(clock) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first
	}
	// The time is skipped, and time.Date does not promise which of the two offsets it
	// takes for it.
	if Showing(near, zone).Before(clock) {
		before = near
	}
	return clock.Add(-ahead(before)).In(zone)
}

// Reaching returns the first moment at which the clocks of a zone show a time or a
// later one: for a time that is skipped it is when they are put forward.
func Reaching(clock time.Time, zone *time.Location) time.Time {
	at := FirstShowing(clock, zone)
	if changed, _ := at.ZoneBounds(); !Showing(at, zone).Equal(clock) && !changed.IsZero() {
		return changed
	}
	return at
}

// Showing returns what the clocks of a zone show at a time, as if it were UTC.
func Showing(at time.Time, zone *time.Location) time.Time {
	l := at.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}

// ahead returns how much the clocks of a zone are ahead of UTC at a time.
func ahead(at time.Time) time.Duration {
	_, seconds := at.Zone()
	return time.Duration(seconds) * time.Second
}

// Showings returns the moments at which the clocks of a zone show a time, the first of
// them first: none if it is skipped, two if it comes twice. clock is as of [FirstShowing].
func Showings(clock time.Time, zone *time.Location) (moments []time.Time) {
	first := FirstShowing(clock, zone)
	if !Showing(first, zone).Equal(clock) {
		return nil
	}
	moments = append(moments, first)
	// Clocks show a time again only after they were set back behind it.
	if _, ends := first.ZoneBounds(); !ends.IsZero() {
		if again := clock.Add(-ahead(ends)).In(zone); again.After(first) && Showing(again, zone).Equal(clock) {
			moments = append(moments, again)
		}
	}
	return moments
}
