package advice

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// week is the minutes of a week, from Sunday 00:00 UTC.
type week [7 * 24 * 60]bool

// aSunday is where a week without daylight saving begins, to compare the clocks
// of different zones.
var aSunday = time.Date(2026, time.January, 4, 0, 0, 0, 0, time.UTC)

// warnOfUncoveredHours finds roles that nobody hears at some hours, because each of their
// notify blocks has its windows.
func (a *adviser) warnOfUncoveredHours() {
	for _, role := range a.config.Roles {
		var covered week
		var zone *time.Location
		always, shown := false, true
		for _, notify := range role.Notify {
			s := a.config.Schedules[notify.During]
			if s == nil { // without during
				always = true
				break
			}
			covered.coverWindows(s)
			zone = s.Zone
			shown = shown && a.written.Hours[s.ID]
		}
		gaps := covered.uncovered(zone)
		if always || gaps == "" {
			continue
		}
		which := "some hours"
		if shown {
			which = fmt.Sprintf("%s (%s)", gaps, zone)
		}
		a.warn(ruleUncovered, role.Pos, "Every way to this role has its windows, and together they leave out %s. What opens then waits for the next window. Add a notify block without during, or a wider schedule.", which)
	}
}

// coverWindows marks the windows of a schedule as covered.
func (w *week) coverWindows(s *config.Schedule) {
	shift := minutesAheadOfUTC(s.Zone)
	for _, window := range s.Windows {
		length := window.To - window.From
		if length <= 0 { // it ends on the next day
			length += 24 * 60
		}
		for d, on := range window.Days {
			if !on {
				continue
			}
			for m := range length {
				// Clocks are up to 14 hours ahead of UTC, so this may be negative, and %
				// keeps the sign.
				at := d*24*60 + window.From + m - shift
				w[(at+2*len(w))%len(w)] = true
			}
		}
	}
}

// minutesAheadOfUTC returns how many minutes the clocks of a zone are ahead of UTC.
// Daylight saving is left out: gaps are the same in summer where all schedules have
// one zone, and a warning need not be exact where they have several.
func minutesAheadOfUTC(zone *time.Location) int {
	_, seconds := aSunday.In(zone).Zone()
	return seconds / 60
}

// uncovered returns the first few spans that are not covered, as the clocks of the zone
// show them; "" where none is left out.
func (w *week) uncovered(zone *time.Location) string {
	if zone == nil {
		return ""
	}
	const few = 3
	var found []string
	shift := minutesAheadOfUTC(zone)
	local := func(m int) bool { return w[(m-shift+2*len(w))%len(w)] }
	for m := 0; m < len(w); m++ {
		if local(m) {
			continue
		}
		from := m
		for m < len(w) && !local(m) {
			m++
		}
		found = append(found, fmt.Sprintf("%s to %s", minuteOfWeek(from), minuteOfWeek(m)))
	}
	if len(found) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(found[:few], ", "), len(found)-few)
	}
	return strings.Join(found, ", ")
}

// minuteOfWeek returns a minute of the week as people say it: "mon 08:00".
func minuteOfWeek(m int) string {
	if m == 7*24*60 { // the week ends with Saturday
		return "sat 24:00"
	}
	day := strings.ToLower(time.Weekday(m / (24 * 60)).String()[:3])
	return fmt.Sprintf("%s %02d:%02d", day, m/60%24, m%60)
}
