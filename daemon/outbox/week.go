package outbox

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// week finds out about windows of the week at a time, and when that changes. A
// window is when the clocks of its zone show a time in it: an hour that is
// skipped is not in it, one that comes twice is in it twice.
func week(zone *time.Location, windows []config.Window, at time.Time) span {
	found := span{from: at, in: shows(windows, at.In(zone))}
	for _, t := range edges(zone, windows, at) {
		if t.After(at) && shows(windows, t.In(zone)) != found.in {
			found.to = t
			break
		}
	}
	return found
}

// shows reports whether a clock that shows local is within one of the windows.
func shows(windows []config.Window, local time.Time) bool {
	minute := local.Hour()*60 + local.Minute()
	today := local.Weekday()
	yesterday := (today + 6) % 7
	return slices.ContainsFunc(windows, func(w config.Window) bool {
		if w.To > w.From {
			return w.Days[today] && minute >= w.From && minute < w.To
		}
		return w.Days[today] && minute >= w.From || w.Days[yesterday] && minute < w.To
	})
}

// edges are the moments of the coming eight days at which a window may begin or
// end, in order: when a clock shows its first or last minute, and when clocks
// are set forward or back.
func edges(zone *time.Location, windows []config.Window, at time.Time) (list []time.Time) {
	local := at.In(zone)
	for day := range 9 {
		noon := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, zone)
		for _, w := range windows {
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
