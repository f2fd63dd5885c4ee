package report

import (
	"fmt"
	"strings"
	"time"
)

// Nothing is what a cell has that has no figure.
const Nothing = "–"

// length writes seconds for a table: "23 min", "1 h 05 min".
func length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d <= 0:
		return Nothing
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Round(time.Second).Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d d %02d h", int(d.Hours())/24, int(d.Hours())%24)
	}
}

// words writes a duration for a sentence: "23 minutes", "1 hour 5 minutes".
func words(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return plural(int(d.Seconds()), "second", "seconds")
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return strings.TrimSuffix(plural(int(d.Hours()), "hour", "hours")+" "+plural(int(d.Minutes())%60, "minute", "minutes"), " 0 minutes")
	default:
		return strings.TrimSuffix(plural(int(d.Hours())/24, "day", "days")+" "+plural(int(d.Hours())%24, "hour", "hours"), " 0 hours")
	}
}

// plural returns a number with the noun that fits.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
