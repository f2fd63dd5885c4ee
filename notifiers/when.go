package notifiers

import (
	"fmt"
	"time"
)

// Time writes a moment as people read it, always in UTC and always saying so: who
// is woken at night and who reads the log may live in different zones.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

// Duration writes how long something took, in two units at most: "45s", "12m",
// "1h 05m", "2d 3h". It rounds down.
func Duration(d time.Duration) string {
	minutes, hours := int(d/time.Minute), int(d/time.Hour)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d/time.Second)))
	case d < time.Hour:
		return fmt.Sprintf("%dm", minutes)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %02dm", hours, minutes%60)
	}
	return fmt.Sprintf("%dd %dh", hours/24, hours%24)
}
