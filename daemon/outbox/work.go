package outbox

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/imapvigil/imapvigil/config"
)

// A stretch is a time during which there is maintenance.
type stretch struct{ from, to time.Time }

// within finds out whether a time is in one of some stretches, and when that
// changes; to is zero where it does not any more.
func within(stretches []stretch, at time.Time) span {
	found := span{from: at}
	for changed := true; changed; { // stretches may follow each other without a gap, and overlap
		changed = false
		for _, s := range stretches {
			if now := maxTime(found.to, at); !s.from.After(now) && s.to.After(now) && (found.in || !at.Before(s.from)) {
				found.in, found.to, changed = true, s.to, true
			}
		}
	}
	if found.in {
		return found
	}
	for _, s := range stretches {
		if s.from.After(at) && s.to.After(s.from) && (found.to.IsZero() || s.from.Before(found.to)) {
			found.to = s.from
		}
	}
	return found
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// once finds out about work that is not repeated. The dates on which there is none
// are taken out of it.
func once(m *config.Maintenance, at time.Time) span {
	left := []stretch{{m.Start, m.Start.Add(m.Duration)}}
	for _, text := range m.Except {
		day, err := time.Parse(config.DateLayout, text)
		if err != nil {
			continue // it was checked when the files were read
		}
		begins, ends := config.Reaching(day, m.Zone), config.Reaching(day.AddDate(0, 0, 1), m.Zone)
		var rest []stretch
		for _, s := range left {
			for _, part := range []stretch{{s.from, minTime(s.to, begins)}, {maxTime(s.from, ends), s.to}} {
				if part.to.After(part.from) {
					rest = append(rest, part)
				}
			}
		}
		left = rest
	}
	return within(left, at)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// weeklyWork finds out about work in windows of the week. It begins and ends when
// clocks show its hours for the first time, so an hour that comes twice in a night
// makes it run once; where clocks skip the hour, when they are put forward.
func weeklyWork(m *config.Maintenance, at time.Time) span {
	today := config.Showing(at, m.Zone).Truncate(24 * time.Hour)
	days := 10 + 7*len(m.Except) // so many weeks may have no window
	var list []stretch
	for n := -2; n < days; n++ {
		day := today.AddDate(0, 0, n)
		if slices.Contains(m.Except, day.Format(config.DateLayout)) {
			continue
		}
		for _, w := range m.Weekly {
			if w.Days[day.Weekday()] {
				list = append(list, windowOf(day, w, m.Zone))
			}
		}
	}
	found := within(list, at)
	if last := today.AddDate(0, 0, days-1); found.in && config.Showing(found.to, m.Zone).After(last) {
		found.to = unending(at, m.Except)
	}
	return found
}

// unending is until when windows without a gap go on: nobody knows, but an exception
// may come.
func unending(at time.Time, except []string) time.Time {
	if len(except) == 0 {
		return time.Time{}
	}
	return at.Add(7 * 24 * time.Hour)
}

// windowOf is a window of the week as it lies on a date: day as if it were UTC.
func windowOf(day time.Time, w config.Window, zone *time.Location) stretch {
	end := day
	if w.To <= w.From {
		end = day.AddDate(0, 0, 1)
	}
	minute := func(day time.Time, n int) time.Time {
		return config.Reaching(day.Add(time.Duration(n)*time.Minute), zone)
	}
	return stretch{minute(day, w.From), minute(end, w.To)}
}

// recurring asks a rule of RFC 5545 section 3.3.10. The clocks of the zone count
// for the beginnings, elapsed time for how long it lasts. The rule is evaluated on
// what clocks show, since a time that comes twice, or never, has a meaning of its
// own there.
func recurring(m *config.Maintenance, at time.Time) span {
	unknown := span{at, at.Add(time.Hour), false}
	option, err := rrule.StrToROptionInLocation(m.RRule, time.UTC)
	if err != nil {
		return unknown // it was checked when the files were read
	}
	until, now := option.Until, config.Showing(at, m.Zone)
	option.Dtstart, option.Until = m.Clock, now.Add(horizon)
	if m.Clock.IsZero() {
		option.Dtstart = config.Showing(m.Start, m.Zone)
	}
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return unknown
	}
	// what clocks show may differ from elapsed time by as much as they are changed
	const change = 26 * time.Hour
	var list []stretch
	next := rule.Iterator()
	for shown, ok := next(); ok; shown, ok = next() {
		begins := config.FirstShowing(shown, m.Zone)
		switch {
		case !until.IsZero() && begins.After(until), slices.Contains(m.Except, shown.Format(config.DateLayout)),
			shown.Add(m.Duration + change).Before(now):
			continue
		}
		list = append(list, stretch{begins, begins.Add(m.Duration)})
		if shown.After(now.Add(change)) {
			break
		}
	}
	begun := slices.DeleteFunc(slices.Clone(list), func(s stretch) bool { return s.from.After(at) })
	if found := within(begun, at); found.in {
		return found
	}
	found := within(list, at)
	if found.to.IsZero() {
		found.to = at.Add(horizon)
	}
	return found
}
