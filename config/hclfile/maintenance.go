package hclfile

import (
	"fmt"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/imapvigil/imapvigil/config"
)

// window is what a maintenance says, before it is a value.
type window struct {
	zone       *time.Location
	start, end string // wall clock
	duration   time.Duration
	rrule      string
	weekly     []config.Window
	appliesTo  []config.Ref
}

var maintenanceTable = table[window]{
	{
		attribute{name: "timezone", kind: timeZone, required: true, doc: "The zone whose clocks count"},
		func(w *window, v value) { w.zone = zone(v.text) },
	},
	{
		attribute{name: "start", kind: wallClock, doc: "When it begins, or begins for the first time, like \"2026-01-06T02:00:00\""},
		func(w *window, v value) { w.start = v.text },
	},
	{
		attribute{name: "end", kind: wallClock, doc: "When it ends"},
		func(w *window, v value) { w.end = v.text },
	},
	{
		attribute{name: "duration", kind: span(time.Minute, 366*day), doc: "How long it lasts, instead of end"},
		func(w *window, v value) { w.duration = v.span() },
	},
	{
		attribute{name: "rrule", kind: recurrence, doc: "How it is repeated (RFC 5545 section 3.3.10), like \"FREQ=WEEKLY;BYDAY=TU\""},
		func(w *window, v value) { w.rrule = plainRule(v.text) },
	},
	{
		attribute{name: "weekly", kind: atLeastOne(texts(weekly)), doc: "Windows like those of a schedule, instead of start"},
		func(w *window, v value) { w.weekly = windows(v.list) },
	},
	{
		attribute{name: "applies_to", kind: atLeastOne(referencesTo("group", "server", "imap_check")), required: true, doc: "The groups, servers and checks that are worked on"},
		func(w *window, v value) { w.appliesTo = configRefs(v.refs) },
	},
}

const wallClockLayout = "2006-01-02T15:04:05"

// wallClock is a time as the clocks of the zone show it.
var wallClock = textWith("time", ruleTime, func(text string) string {
	if _, err := time.Parse(wallClockLayout, text); err != nil {
		return "A time is written like \"2026-01-06T02:00:00\", as the clocks of the timezone show it."
	}
	return ""
})

func (l *loader) defineMaintenance() {
	for _, b := range l.named["maintenance"] {
		l.notInEffect(maintenanceBlock, b.block)
		content := l.content(b.block, maintenanceBlock, "maintenance")
		var w window
		if decode(l, maintenanceTable, content, &w) && l.checkWindow(&w, content) {
			l.config.Maintenance = append(l.config.Maintenance, w.maintenance(b))
		}
	}
}

// checkWindow sees to it that a maintenance says in one way when it is.
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
	case w.end != "" && !w.at(w.end).After(w.at(w.start)):
		wrong := complaint{fmt.Sprintf("The end %q is not after the start %q.%s", w.end, w.start, w.clocksChange()), "The end is not after the start."}
		l.report(ruleBounds, content.Attributes["end"].Expr.Range(), "%s", wrong.says(literals(content.Attributes, "start", "end", "rrule")))
		return false
	}
	if missing != "" {
		l.report(ruleMaintenance, content.at, "%s", missing)
		return false
	}
	if w.rrule != "" && !w.recurs() {
		wrong := complaint{fmt.Sprintf("%q: No day after the start %s fits this rule.", w.rrule, w.start), "No day after the start fits this rule."}
		l.report(ruleRecurrence, content.Attributes["rrule"].Expr.Range(), "%s", wrong.says(literals(content.Attributes, "start", "end", "rrule")))
		return false
	}
	return true
}

// clocksChange explains an end that only looks later than the start.
func (w *window) clocksChange() string {
	if w.end > w.start {
		return fmt.Sprintf(" The clocks change in between, and skip %q.", w.start)
	}
	return ""
}

// recurs looks for the first time. A rule that has none would be looked for
// until the year 9999 whenever somebody asks.
func (w *window) recurs() bool {
	option, err := rrule.StrToROptionInLocation(w.rrule, w.zone)
	if err != nil {
		return false // recurrence has seen to it
	}
	option.Dtstart = w.at(w.start)
	rule, err := rrule.NewRRule(*option)
	return err == nil && !rule.After(option.Dtstart, true).IsZero()
}

// at gives the moment when the clocks of the zone show text. Where they show it
// twice it is the first time; where they skip it, it is as if they had not been
// put forward yet (RFC 5545 section 3.3.5).
func (w *window) at(text string) time.Time {
	shown, _ := time.Parse(wallClockLayout, text) // wallClock has seen to it
	near, _ := time.ParseInLocation(wallClockLayout, text, w.zone)
	begins, ends := near.ZoneBounds()
	before := near
	if !begins.IsZero() {
		before = begins.Add(-1)
	}
	var first time.Time
	for _, clock := range []time.Time{before, near, ends} {
		at := shown.Add(-ahead(clock)).In(w.zone)
		if at.Format(wallClockLayout) == text && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first
	}
	if near.Format(wallClockLayout) < text {
		before = near
	}
	return shown.Add(-ahead(before)).In(w.zone)
}

// ahead is how much the clocks of a zone are ahead of UTC at a time.
func ahead(at time.Time) time.Duration {
	_, seconds := at.Zone()
	return time.Duration(seconds) * time.Second
}

func (w *window) maintenance(b namedBlock) config.Maintenance {
	m := config.Maintenance{
		Name: b.id, Zone: w.zone, RRule: w.rrule, Weekly: w.weekly, AppliesTo: w.appliesTo, Duration: w.duration,
		Pos: position(header(b.block)),
	}
	if w.start != "" {
		m.Start = w.at(w.start)
	}
	if w.end != "" {
		m.Duration = w.at(w.end).Sub(m.Start)
	}
	return m
}
