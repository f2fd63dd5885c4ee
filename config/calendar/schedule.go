package calendar

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// scheduleSpan returns the span of a schedule around a time. A window is when the
// clocks of its zone show a time in it: an hour that is skipped is not in it, one that
// comes twice is in it twice.
func scheduleSpan(s *config.Schedule, at time.Time) Span {
	found := Span{From: at, In: showsWindow(s, at)}
	days := 9
	if len(s.Except) > 0 {
		days += 7 * len(s.Except) // so many weeks may have no window
	}
	for _, t := range windowEdges(s, at, days) {
		if t.After(at) && showsWindow(s, t) != found.In {
			found.To = t
			return found
		}
	}
	if found.In {
		found.To = unendingUntil(at, s.Except)
	}
	return found
}

// unendingUntil returns until when windows without a gap go on at least: a week, since
// an exception may come, and zero, which is for ever, where there are none.
func unendingUntil(at time.Time, except []string) time.Time {
	if len(except) == 0 {
		return time.Time{}
	}
	return at.Add(7 * 24 * time.Hour)
}

// WindowBegins reports whether a window of the week begins on a day, apart from
// exceptions.
func WindowBegins(windows []config.Window, day time.Time) bool {
	return slices.ContainsFunc(windows, func(w config.Window) bool { return w.Days[day.Weekday()] })
}

// showsWindow reports whether the clocks of a schedule's zone show a time within one of
// its windows.
func showsWindow(s *config.Schedule, at time.Time) bool {
	local := at.In(s.Zone)
	minute := local.Hour()*60 + local.Minute()
	today := local.Weekday()
	yesterday := (today + 6) % 7
	// a window that crosses midnight belongs to the date on which it begins
	ofToday := !excepted(s, local)
	// At noon in UTC no change of clocks can make it another date.
	ofYesterday := !excepted(s, time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, time.UTC))
	return slices.ContainsFunc(s.Windows, func(w config.Window) bool {
		// Else the window crosses midnight, and its second part belongs to yesterday.
		if w.To > w.From {
			return ofToday && w.Days[today] && minute >= w.From && minute < w.To
		}
		return ofToday && w.Days[today] && minute >= w.From || ofYesterday && w.Days[yesterday] && minute < w.To
	})
}

func excepted(s *config.Schedule, day time.Time) bool {
	return len(s.Except) > 0 && slices.Contains(s.Except, day.Format(DateLayout))
}

// windowEdges lists the moments of the coming days at which a window may begin or end,
// in order: when a clock shows its first or last minute, and when clocks are set
// forward or back.
func windowEdges(s *config.Schedule, at time.Time, days int) (list []time.Time) {
	local := at.In(s.Zone)
	for day := range days {
		noon := time.Date(local.Year(), local.Month(), local.Day()+day, 12, 0, 0, 0, s.Zone)
		for _, w := range s.Windows {
			list = append(list, momentsShowing(noon, w.From)...)
			list = append(list, momentsShowing(noon, w.To)...)
		}
		if start, _ := noon.ZoneBounds(); !start.IsZero() {
			list = append(list, start)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// momentsShowing lists when a clock may show a minute of the day of noon: one moment,
// or two on a day on which clocks are changed, of which the other is harmless.
func momentsShowing(noon time.Time, minute int) []time.Time {
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
