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

// onHours finds roles that nobody hears at some hours, because every way has its
// windows.
func (a *adviser) onHours() {
	for _, role := range a.config.Roles {
		var covered week
		var zone *time.Location
		always, shown := false, true
		for _, notify := range role.Notify {
			s := a.config.Schedules[notify.During]
			if s == nil {
				always = true
				break
			}
			covered.add(s)
			zone = s.Zone
			shown = shown && a.written.Hours[s.ID]
		}
		gaps := covered.gaps(zone)
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

// add covers the windows of a schedule.
func (w *week) add(s *config.Schedule) {
	shift := offset(s.Zone)
	for _, window := range s.Windows {
		length := window.To - window.From
		if length <= 0 {
			length += 24 * 60
		}
		for d, on := range window.Days {
			if !on {
				continue
			}
			for m := range length {
				at := d*24*60 + window.From + m - shift
				w[(at+2*len(w))%len(w)] = true
			}
		}
	}
}

// offset is how many minutes the clocks of a zone are ahead of UTC.
func offset(zone *time.Location) int {
	_, seconds := aSunday.In(zone).Zone()
	return seconds / 60
}

// gaps names what is not covered, as the clocks of the zone show it: the first
// few.
func (w *week) gaps(zone *time.Location) string {
	if zone == nil {
		return ""
	}
	const few = 3
	var found []string
	shift := offset(zone)
	local := func(m int) bool { return w[(m-shift+2*len(w))%len(w)] }
	for m := 0; m < len(w); m++ {
		if local(m) {
			continue
		}
		from := m
		for m < len(w) && !local(m) {
			m++
		}
		found = append(found, fmt.Sprintf("%s to %s", moment(from), moment(m)))
	}
	if len(found) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(found[:few], ", "), len(found)-few)
	}
	return strings.Join(found, ", ")
}

// moment is a minute of the week as people say it.
func moment(m int) string {
	if m == 7*24*60 {
		return "sat 24:00"
	}
	day := strings.ToLower(time.Weekday(m / (24 * 60)).String()[:3])
	return fmt.Sprintf("%s %02d:%02d", day, m/60%24, m%60)
}
