package advice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/notifiers"
)

// warnOfUncoveredHours finds roles that nobody hears at some hours, because each of their
// notify blocks has its windows.
func (a *adviser) warnOfUncoveredHours() {
	weekly := map[config.ScheduleID]*config.Schedule{}
	for id, s := range a.config.Schedules { // a day that is an exception is no gap in every week
		weekly[id] = &config.Schedule{Zone: s.Zone, Windows: s.Windows}
	}
	hours := calendar.New(&config.Config{Schedules: weekly})
	for _, role := range a.config.Roles {
		var zone *time.Location
		shown := true
		alarms := slices.DeleteFunc(slices.Clone(role.Notify), func(n config.Notify) bool { return !tellsOfOutages(n) })
		for _, notify := range alarms {
			if s := a.config.Schedules[notify.During]; s != nil {
				zone, shown = s.Zone, shown && a.written.Hours[s.ID]
			}
		}
		if zone == nil { // none has a schedule
			continue
		}
		gaps := uncovered(hours, alarms, zone)
		if gaps == "" {
			continue
		}
		which := "some hours"
		if shown {
			which = fmt.Sprintf("%s (%s)", gaps, zone)
		}
		every := "Every notify block of this role has a schedule"
		if len(alarms) < len(role.Notify) {
			every = "Every notify block of this role by which messages are sent when a service goes down has a schedule"
		}
		a.warn(ruleUncovered, role.Pos, "%s, and none of them covers %s. An incident that opens then is notified when the next window begins. Add a notify block without during, or widen a schedule.", every, which)
	}
}

// tellsOfOutages reports whether a notify block sends a message when a service goes down.
func tellsOfOutages(n config.Notify) bool {
	opens := len(n.On) == 0 || slices.Contains(n.On, notifiers.Opened)
	return opens && (n.Conditions == 0 || n.Conditions.Has(config.ConditionService))
}

// uncovered returns the first few spans of a week in which none of the notify blocks is
// in its window, as the clocks of the zone show them; "" where none is left out.
func uncovered(hours *calendar.Calendar, notify []config.Notify, zone *time.Location) string {
	const few = 3
	var found []string
	// A Sunday in January, when no zone changes its clocks: gaps are the same in summer
	// where all schedules have one zone, and a warning need not be exact where they have
	// several.
	at := time.Date(2026, time.January, 4, 0, 0, 0, 0, zone)
	for end := at.AddDate(0, 0, 7); at.Before(end); {
		next, covered := nextChange(hours, notify, at, end)
		next = next.In(zone)
		if !covered {
			until := strings.ToLower(next.Format("Mon 15:04"))
			if next.Equal(end) { // the week ends with Saturday
				until = "sat 24:00"
			}
			found = append(found, fmt.Sprintf("%s to %s", strings.ToLower(at.Format("Mon 15:04")), until))
		}
		at = next
	}
	if len(found) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(found[:few], ", "), len(found)-few)
	}
	return strings.Join(found, ", ")
}

// nextChange returns until when, and end at the latest, a time is covered by the window of
// one of the notify blocks, or by none.
func nextChange(hours *calendar.Calendar, notify []config.Notify, at, end time.Time) (next time.Time, covered bool) {
	next = end
	for _, n := range notify {
		change, within := hours.Within(n.During, at)
		if within {
			change = hours.WindowEnd(n.During, at)
		}
		if !change.IsZero() && change.Before(next) {
			next = change
		}
		if within {
			return next, true
		}
	}
	return next, false
}
