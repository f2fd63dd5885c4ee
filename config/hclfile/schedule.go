package hclfile

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

var scheduleTable = table[config.Schedule]{
	newRow("timezone", timeZone, "", "The time zone of the windows, like \"Europe/Berlin\"",
		func(s *config.Schedule, v value) { s.Zone = zone(v.text) }, required),
	newRow("weekly", atLeastOne(texts(weekly)), "", "Windows like \"mon-fri 18:00-08:00\" or \"sat,sun 00:00-24:00\"; one that ends before it begins ends on the next day. An hour that comes twice, when clocks are set back, is in a window both times",
		func(s *config.Schedule, v value) { s.Windows = windows(v.list) }, required),
	newRow("except", texts(date), "", "Dates in the timezone, like \"2026-12-24\", on which no window begins; a window that crosses midnight belongs to the date on which it begins",
		func(s *config.Schedule, v value) { s.Except = v.list }),
}

func (l *loader) defineSchedule(b namedBlock) {
	content := l.content(b.block, scheduleBlock, "schedule")
	s := &config.Schedule{ID: config.ScheduleID(b.id), Pos: diagnose.Position(header(b.block))}
	if decode(l, scheduleTable, content, s) {
		l.written.Hours[s.ID] = literals(content.Attributes, "timezone", "weekly", "except")
		l.config.Schedules[s.ID] = s
		l.adviseOnExceptions(content, func(day time.Time) bool { return calendar.WindowBegins(s.Windows, day) })
	}
}

// timeZone is a name of the IANA database.
var timeZone = textWith("time zone", ruleTimeZone, func(text string) string {
	if _, known := calendar.Zone(text); known {
		return ""
	}
	return "There is no such time zone." + zoneMeant(text)
})

// zoneMeant returns the end of a message about a time zone that does not exist: which one
// may be meant, or what a name of one is like.
func zoneMeant(text string) string {
	if places := calendar.ZonesOfPlace(text); len(places) > 0 {
		return fmt.Sprintf(" Did you mean %q?", places[0])
	}
	// A short word is an abbreviation: PST is one letter away from EST, and is not meant by it.
	const shortWord = 5
	if near := diagnose.OnlyNear(text, calendar.ZoneNames()); near != "" && len(text) > shortWord {
		return near
	}
	return " Write a name of the IANA database, like \"Europe/Berlin\", \"America/New_York\" or \"UTC\"."
}

func zone(name string) *time.Location {
	z, _ := calendar.Zone(name) // timeZone has seen to it
	return z
}

// weekly is one window of the week.
var weekly = textJudged("weekly window", ruleWindow, func(text string) complaint {
	_, says, noDay := calendar.ParseWindow(text)
	wrong := plainly(says)
	if noDay != "" {
		wrong.full = fmt.Sprintf("%s, and %s is none of them.", strings.TrimSuffix(says, "."), noDay)
	}
	if meant := windowMeant(text); says != "" && meant != "" {
		wrong.full += fmt.Sprintf(" Write %q.", meant)
	}
	return wrong
})

// otherDays are days as people write them; longer words come first.
var otherDays = strings.NewReplacer(
	"weekdays", "mon-fri", "workdays", "mon-fri", "weekends", "sat,sun", "weekend", "sat,sun", "daily", "mon-sun", "everyday", "mon-sun", "every day", "mon-sun",
	"sunday", "sun", "monday", "mon", "tuesday", "tue", "wednesday", "wed", "thursday", "thu", "friday", "fri", "saturday", "sat",
	"tues", "tue", "thurs", "thu", "thur", "thu",
)

var looseHours = regexp.MustCompile(`^(.*?)\s*\b([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*-\s*([0-9]{1,2})(?:[:.]([0-9]{2}))?$`)

// windowMeant returns a window as the language writes it, of one that is written
// otherwise; "" where nobody can tell.
func windowMeant(text string) string {
	m := looseHours.FindStringSubmatch(otherDays.Replace(strings.ToLower(strings.TrimSpace(text))))
	if m == nil {
		return ""
	}
	meant := fmt.Sprintf("%s %02s:%02s-%02s:%02s", strings.TrimSpace(m[1]), m[2], m[3], m[4], m[5])
	if _, wrong, _ := calendar.ParseWindow(meant); wrong != "" {
		return ""
	}
	return meant
}

func windows(list []string) []config.Window {
	return mapped(list, func(text string) config.Window {
		w, _, _ := calendar.ParseWindow(text) // weekly has seen to it
		return w
	})
}
