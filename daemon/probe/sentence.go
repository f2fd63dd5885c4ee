package probe

import (
	"fmt"
	"strings"
	"time"
)

func day(t time.Time) string    { return t.UTC().Format("2006-01-02") }
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// days writes a duration in days, or in hours or minutes when it is shorter, as people do.
func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); {
	case n == 1:
		return "a day"
	case n > 1:
		return fmt.Sprintf("%d days", n)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d < 2*time.Minute:
		return "less than two minutes"
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

func quoted(text string) string { return `"` + text + `"` }

// listed names a few of all.
func listed(names []string, all int) string {
	const few = 5
	names = names[:min(few, len(names))]
	switch {
	case all == 0:
		return "no name at all"
	case all > len(names):
		return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", all-len(names))
	}
	return strings.Join(names, ", ")
}
