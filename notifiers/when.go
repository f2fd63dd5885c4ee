package notifiers

import (
	"fmt"
	"time"
)

// zone returns where the readers of the message are.
func (m Message) zone() *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// exactTime writes a moment as people read it, to the second, with UTC beside it where
// the readers' clocks show something else: the log and other monitors may be in UTC.
func (m Message) exactTime(t time.Time) string {
	local, utc := t.In(m.zone()), t.UTC()
	text := local.Format("2006-01-02 15:04:05 MST")
	if _, offset := local.Zone(); offset == 0 {
		return text
	}
	if local.Format(time.DateOnly) == utc.Format(time.DateOnly) {
		return text + utc.Format(" (15:04:05 UTC)")
	}
	return text + utc.Format(" (2006-01-02 15:04:05 UTC)")
}

// localTime writes a moment to the minute, as the readers' clocks show it.
func (m Message) localTime(t time.Time) string { return t.In(m.zone()).Format("2006-01-02 15:04 MST") }

// shortTime is localTime without the year.
func (m Message) shortTime(t time.Time) string { return t.In(m.zone()).Format("2 Jan 15:04 MST") }

// Duration writes how long something took, in two units at most: "45s", "1m 55s",
// "1h 05m", "2d 3h". It rounds down, and leaves a second unit of zero away.
func Duration(d time.Duration) string {
	seconds, minutes, hours := max(0, int(d/time.Second)), int(d/time.Minute), int(d/time.Hour)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", seconds)
	case d < time.Hour:
		return twoUnits("%dm", minutes, " %02ds", seconds%60)
	case d < 24*time.Hour:
		return twoUnits("%dh", hours, " %02dm", minutes%60)
	}
	return twoUnits("%dd", hours/24, " %dh", hours%24)
}

func twoUnits(first string, n int, second string, rest int) string {
	text := fmt.Sprintf(first, n)
	if rest > 0 {
		text += fmt.Sprintf(second, rest)
	}
	return text
}
