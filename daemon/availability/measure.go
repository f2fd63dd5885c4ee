package availability

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// Measure returns how long a check was in each state from one time to another, or until now.
func Measure(l Life, from, to, now time.Time, corrections []config.Correction) Seconds {
	return Sum(Timeline(l, from, to, now, corrections))
}

// Sum returns the seconds of a timeline.
func Sum(line []Stretch) (s Seconds) {
	for i := range line {
		s.add(&line[i], line[i].To.Sub(line[i].From))
	}
	return s
}

func (s *Seconds) add(part *Stretch, length time.Duration) {
	switch part.State {
	case IsAbsent, IsPaused:
		s.Absent += length
	case InMaintenance:
		s.Maintenance += length
	case IsUnknown:
		s.Unknown += length
	case IsDown:
		s.Down += length
	case IsDegraded:
		s.Degraded += length
	case IsOK:
		s.OK += length
	}
	if part.Short {
		s.Short += length
	}
}

// DayBorders returns the midnights of a zone around a window: the first is the start of the
// day of from, the last is the first midnight that is not before to. Between two of them lie
// 23 to 25 hours where clocks change.
func DayBorders(from, to time.Time, zone *time.Location) []time.Time {
	y, m, d := from.In(zone).Date()
	var list []time.Time
	for i := 0; ; i++ {
		at := startOfDay(y, m, d+i, zone)
		list = append(list, at)
		if !at.Before(to) && len(list) > 1 {
			return list
		}
	}
}

// startOfDay returns the first moment of a day. Where clocks change at midnight, time.Date may
// return 23:00 of the day before, as in São Paulo until 2018, or the second of two midnights, as
// in Havana.
func startOfDay(y int, m time.Month, d int, zone *time.Location) time.Time {
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if at.Hour() != 0 {
		if _, change := at.ZoneBounds(); at.Hour() > 12 && !change.IsZero() {
			return change
		}
		return at
	}
	if before := at.Add(-time.Hour); before.Hour() == 0 {
		return before
	}
	return at
}

// Days returns the seconds between each two borders, which ascend: the days of a bar. Of what
// is still to come they are zero.
func Days(l Life, borders []time.Time, now time.Time, corrections []config.Correction) []Seconds {
	if len(borders) < 2 {
		return nil
	}
	out := make([]Seconds, len(borders)-1)
	day := 0
	for _, part := range Timeline(l, borders[0], borders[len(borders)-1], now, corrections) {
		for at := part.From; at.Before(part.To); {
			for !at.Before(borders[day+1]) {
				day++
			}
			end := part.To
			if borders[day+1].Before(end) {
				end = borders[day+1]
			}
			out[day].add(&part, end.Sub(at))
			at = end
		}
	}
	return out
}

// LongestOutage returns the longest time without a break in which a check was down.
func LongestOutage(line []Stretch) (longest time.Duration) {
	for _, o := range Outages(line) {
		longest = max(longest, o.To.Sub(o.From))
	}
	return longest
}

// Outages returns the times in which a check was down. Incidents that follow each other without
// a break are one outage, which has the id of the first.
func Outages(line []Stretch) (list []Stretch) {
	for _, s := range line {
		if s.State != IsDown {
			continue
		}
		if n := len(list); n > 0 && list[n-1].To.Equal(s.From) {
			list[n-1].To = s.To
			continue
		}
		list = append(list, s)
	}
	return slices.Clip(list)
}
