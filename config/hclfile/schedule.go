package hclfile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

var scheduleTable = table[config.Schedule]{
	newRow("timezone", timeZone, "", "The zone whose clocks count, like \"Europe/Berlin\"",
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
	_, wrong := parseWindow(text)
	if meant := windowMeant(text); wrong != (complaint{}) && meant != "" {
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
	if _, wrong := parseWindow(meant); wrong != (complaint{}) {
		return ""
	}
	return meant
}

func windows(list []string) []config.Window {
	return mapped(list, func(text string) config.Window {
		w, _ := parseWindow(text) // weekly has seen to it
		return w
	})
}

var (
	windowPattern = regexp.MustCompile(`^\s*([a-z, -]+?)\s+([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})\s*$`)
	weekdays      = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts
)

// parseWindow returns the window that "mon-fri 18:00-08:00" says; wrong is empty where
// nothing is wrong.
func parseWindow(text string) (w config.Window, wrong complaint) {
	m := windowPattern.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return w, plainly("A window is days and hours, like \"mon-fri 18:00-08:00\" or \"sat,sun 00:00-24:00\".")
	}
	if wrong = addDays(&w, m[1]); wrong != (complaint{}) {
		return w, wrong
	}
	from, ok1 := minutes(m[2], m[3])
	to, ok2 := minutes(m[4], m[5])
	switch {
	case !ok1 || !ok2:
		return w, plainly("Hours go from 00:00 to 24:00.")
	case from == 24*60: // minutes takes it, for the end of a window
		return w, plainly("A window cannot begin at 24:00; that is 00:00 of the next day.")
	case from == to:
		return w, plainly("The window has no length. A whole day is 00:00-24:00.")
	}
	w.From, w.To = from, to
	return w, complaint{}
}

// addDays adds the days of "mon-fri", "sat,sun" or "fri-mon" to a window, and returns
// what is wrong with them.
func addDays(w *config.Window, text string) complaint {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(weekdays, strings.TrimSpace(first)), slices.Index(weekdays, strings.TrimSpace(last))
		if from < 0 || to < 0 {
			const days = "The days are mon, tue, wed, thu, fri, sat and sun"
			return complaint{fmt.Sprintf("%s, and %q is none of them.", days, strings.TrimSpace(part)), days + "."}
		}
		for day := from; ; day = (day + 1) % 7 { // "fri-mon" goes over the end of the week
			w.Days[day] = true
			if day == to {
				break
			}
		}
	}
	return complaint{}
}

func minutes(hour, minute string) (int, bool) {
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	total := h*60 + m
	return total, err1 == nil && err2 == nil && m < 60 && total <= 24*60
}
