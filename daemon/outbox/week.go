package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// week finds out about the windows of a schedule at a time, and when that changes.
// A window is when the clocks of its zone show a time in it: an hour that is
// skipped is not in it, one that comes twice is in it twice.
func week(s *config.Schedule, at time.Time) span {
	found := span{from: at, in: shows(s, at)}
	days := 9
	if len(s.Except) > 0 {
		days += 7 * len(s.Except) // so many weeks may have no window
	}
	for _, t := range edges(s, at, days) {
		if t.After(at) && shows(s, t) != found.in {
			found.to = t
			return found
		}
	}
	if found.in {
		found.to = unending(at, s.Except)
	}
	return found
}

// shows reports whether the clocks of a schedule's zone show a time within one of
// its windows.
func shows(s *config.Schedule, at time.Time) bool {
	local := at.In(s.Zone)
	minute := local.Hour()*60 + local.Minute()
	today := local.Weekday()
	yesterday := (today + 6) % 7
	// a window that crosses midnight belongs to the date on which it begins
	ofToday := !excepted(s, local)
	ofYesterday := !excepted(s, time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC))
	return slices.ContainsFunc(s.Windows, func(w config.Window) bool {
		if w.To > w.From {
			return ofToday && w.Days[today] && minute >= w.From && minute < w.To
		}
		return ofToday && w.Days[today] && minute >= w.From || ofYesterday && w.Days[yesterday] && minute < w.To
	})
}

func excepted(s *config.Schedule, day time.Time) bool {
	return len(s.Except) > 0 && slices.Contains(s.Except, day.Format(config.DateLayout))
}

// edges are the moments of the coming days at which a window may begin or end, in
// order: when a clock shows its first or last minute, and when clocks are set
// forward or back.
func edges(s *config.Schedule, at time.Time, days int) (list []time.Time) {
	local := at.In(s.Zone)
	for day := range days {
		noon := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, s.Zone)
		for _, w := range s.Windows {
			list = append(list, moments(noon, w.From)...)
			list = append(list, moments(noon, w.To)...)
		}
		if start, _ := noon.ZoneBounds(); !start.IsZero() {
			list = append(list, start)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// moments are those at which a clock may show a minute of the day of noon: one,
// or two on a day on which clocks are changed, of which the other is harmless.
func moments(noon time.Time, minute int) []time.Time {
	midnight := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, time.UTC)
	wall := midnight.Add(time.Duration(minute) * time.Minute)
	_, before := noon.AddDate(0, 0, -1).Zone()
	_, after := noon.AddDate(0, 0, 1).Zone()
	list := []time.Time{wall.Add(-time.Duration(before) * time.Second)}
	if after != before {
		list = append(list, wall.Add(-time.Duration(after)*time.Second))
	}
	return list
}
