package hclfile

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// window is what a maintenance says, before it is a value.
type window struct {
	zone       *time.Location
	start, end string // wall clock
	duration   time.Duration
	rrule      string
	weekly     []config.Window
	except     []string
	appliesTo  []config.Ref
}

var maintenanceTable = table[window]{
	newRow("timezone", timeZone, "", "The time zone of its times",
		func(w *window, v value) { w.zone = zone(v.text) }, required),
	newRow("start", wallClock, "", "When it begins, or begins for the first time, like \"2026-01-06T02:00:00\". A time that comes twice in a night, when clocks are set back, is the first of the two; one that is skipped is as late as if they had not been put forward (RFC 5545 section 3.3.5)",
		func(w *window, v value) { w.start = v.text }),
	newRow("end", wallClock, "", "When it ends",
		func(w *window, v value) { w.end = v.text }),
	newRow("duration", durationBetween(time.Minute, 366*day), "", "How long it lasts, instead of end",
		func(w *window, v value) { w.duration = v.span() }),
	newRow("rrule", recurrence, "", "How it is repeated (RFC 5545 section 3.3.10), like \"FREQ=WEEKLY;BYDAY=TU\"",
		func(w *window, v value) { w.rrule = calendar.PlainRule(v.text) }),
	newRow("weekly", atLeastOne(texts(weekly)), "", "Windows like those of a schedule, instead of start. An hour that comes twice in a night counts once",
		func(w *window, v value) { w.weekly = windows(v.list) }),
	newRow("except", texts(date), "", "Dates in the timezone, like \"2026-12-24\", on which no work begins: what crosses midnight belongs to the date on which it begins. Without rrule and weekly, the dates are taken out of the time from start to end",
		func(w *window, v value) { w.except = v.list }),
	newRow("applies_to", atLeastOne(referencesTo("group", "server", "imap_check")), "", "The groups, servers and checks that are worked on",
		func(w *window, v value) { w.appliesTo = configRefs(v.refs) }, required),
}

// recurrence is a rule of RFC 5545 section 3.3.10.
var recurrence = textWith("recurrence rule", ruleRecurrence, calendar.CheckRule)

const wallClockLayout = "2006-01-02T15:04:05"

// wallClock is a time as the clocks of the zone show it.
var wallClock = textJudged("time", ruleTime, func(text string) complaint {
	if _, err := time.Parse(wallClockLayout, text); err == nil {
		return complaint{}
	}
	const form = "A time is written like \"2026-01-06T02:00:00\", as the clocks of the timezone show it."
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2.1.2006 15:04", "2.1.2006 15:04:05", "2.1.2006", "2006-01-02"} {
		if meant, err := time.Parse(layout, text); err == nil {
			return complaint{fmt.Sprintf("%s Write %q.", form, meant.Format(wallClockLayout)), form}
		}
	}
	return plainly(form)
})

func (l *loader) defineMaintenance(b namedBlock) {
	content := l.content(b.block, maintenanceBlock, "maintenance")
	var w window
	if decode(l, maintenanceTable, content, &w) && l.checkWindow(&w, content) {
		m := w.maintenance()
		m.Name, m.Pos = b.id, diagnose.Position(header(b.block))
		l.config.Maintenance = append(l.config.Maintenance, m)
		l.adviseOnExceptions(content, func(day time.Time) bool { return calendar.Begins(&m, day) })
	}
}

// checkWindow reports whether a maintenance says in one way when it is; what is wrong
// has been reported.
func (l *loader) checkWindow(w *window, content *contents) bool {
	missing := ""
	switch {
	case w.weekly != nil && (w.start != "" || w.end != "" || w.duration != 0 || w.rrule != ""):
		missing = "weekly says all of it: leave start, end, duration and rrule out, or weekly."
	case w.weekly != nil:
	case w.start == "":
		missing = "Nothing says when it is: write start with end or duration, or weekly."
	case (w.end == "") == (w.duration == 0):
		missing = "Nothing says how long it lasts: write end, or duration."
		if w.end != "" {
			missing = "end and duration say the same. Leave one of them out."
		}
	case w.rrule != "" && w.end != "":
		missing = "What is repeated has a duration, not an end: the end of the first time is not the end of all."
	// As moments: what clocks show may be later, and not be, when they are changed.
	case w.end != "" && !w.at(w.end).After(w.at(w.start)):
		wrong := complaint{fmt.Sprintf("The end %q is not after the start %q.", w.end, w.start), "The end is not after the start."}
		if w.end > w.start { // by what clocks show
			wrong.full += fmt.Sprintf(" The clocks change in between, and skip %q.", w.start)
		}
		l.Report(ruleBounds, content.Attributes["end"].Expr.Range(), "%s", wrong.says(literals(content.Attributes, "start", "end", "rrule")))
		return false
	}
	if missing != "" {
		l.Report(ruleMaintenance, content.at, "%s", missing)
		return false
	}
	m := w.maintenance()
	// A rule such as the 30th of February would be looked for until the year 9999 each
	// time.
	occurs := calendar.Occurs(&m)
	if w.rrule != "" && !occurs {
		wrong := complaint{fmt.Sprintf("%q: No day after the start %s matches this rule.", w.rrule, w.start), "No day after the start matches this rule."}
		if len(w.except) > 0 {
			wrong = plainly("No day after the start matches this rule and is not in except.")
		}
		l.Report(ruleRecurrence, content.Attributes["rrule"].Expr.Range(), "%s", wrong.says(literals(content.Attributes, "start", "end", "rrule")))
		return false
	}
	if !occurs {
		l.Report(ruleBounds, content.Attributes["except"].Expr.Range(), "These dates exclude all of it, so this block would never have an effect.")
		return false
	}
	return true
}

// at returns the moment when the clocks of the zone show text for the first time.
func (w *window) at(text string) time.Time { return calendar.FirstShowing(clock(text), w.zone) }

// clock returns what clocks show, as if it were UTC.
func clock(text string) time.Time {
	shown, _ := time.Parse(wallClockLayout, text) // wallClock has seen to it
	return shown
}

// maintenance returns the value, but for its name and position.
func (w *window) maintenance() config.Maintenance {
	m := config.Maintenance{
		Zone: w.zone, RRule: w.rrule, Weekly: w.weekly, AppliesTo: w.appliesTo, Duration: w.duration, Except: w.except,
	}
	if w.start != "" {
		m.Start, m.Clock = w.at(w.start), clock(w.start)
	}
	if w.end != "" {
		// In elapsed time: an hour more or less where clocks are changed in between.
		m.Duration = w.at(w.end).Sub(m.Start)
	}
	return m
}
