package hclfile

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
)

// date is a day of the calendar.
var date = textJudged("date", ruleDate, func(text string) complaint {
	if _, err := time.Parse(config.DateLayout, text); err == nil {
		return complaint{}
	}
	const form = "A date is written like \"2026-12-24\": year, month and day."
	if meant := otherDate(text); meant != "" {
		return complaint{fmt.Sprintf("%s Write %q.", form, meant), form}
	}
	return plainly(form)
})

var (
	dayFirst  = regexp.MustCompile(`^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})$`)
	yearFirst = regexp.MustCompile(`^([0-9]{4})[-/.]?([0-9]{1,2})[-/.]?([0-9]{1,2})(?:[T ].*)?$`)
)

// otherDate gives a date that is written otherwise and can mean one day only. In
// 04/05/2026 it depends on the country which is the month.
func otherDate(text string) string {
	parts := yearFirst.FindStringSubmatch(text)
	if m := dayFirst.FindStringSubmatch(text); m != nil {
		parts = []string{"", m[3], m[2], m[1]}
	}
	if parts == nil {
		return ""
	}
	meant := fmt.Sprintf("%s-%02s-%02s", parts[1], parts[2], parts[3])
	if _, err := time.Parse(config.DateLayout, meant); err != nil {
		return ""
	}
	return meant
}

// adviseOnExceptions warns of dates on which nothing would begin anyway. begins
// reports whether something does. A list that comes from elsewhere, such as the
// holidays of a country, is for several blocks, and some of its dates always miss.
func (l *loader) adviseOnExceptions(content *contents, begins func(day time.Time) bool) {
	attr := content.Attributes["except"]
	if attr == nil || !literal(attr.Expr) {
		return
	}
	dates, _ := hcl.ExprList(attr.Expr)
	for _, expr := range dates {
		v, _ := expr.Value(nothingKnown)
		if !isText(v) {
			continue
		}
		if day, err := time.Parse(config.DateLayout, v.AsString()); err == nil && !begins(day) {
			l.report(ruleNoException, expr.Range(), "On %s, a %s, nothing would begin anyway, so this has no effect.", v.AsString(), day.Weekday())
		}
	}
}

// windowBegins reports whether a window of the week begins on a day.
func windowBegins(windows []config.Window) func(day time.Time) bool {
	return func(day time.Time) bool {
		return slices.ContainsFunc(windows, func(w config.Window) bool { return w.Days[day.Weekday()] })
	}
}

// begins reports whether work would begin on a day, or, if it is not repeated, goes
// on then.
func (w *window) begins(day time.Time) bool {
	next := day.AddDate(0, 0, 1)
	switch {
	case w.weekly != nil:
		return windowBegins(w.weekly)(day)
	case w.rrule == "":
		start, end := w.span()
		return start.Before(config.Reaching(next, w.zone)) && end.After(config.Reaching(day, w.zone))
	}
	rule, err := w.rule()
	return err == nil && rule.After(day, true).Before(next) && !rule.After(day, true).IsZero()
}

// span is the time of work that is not repeated.
func (w *window) span() (start, end time.Time) {
	start = w.at(w.start)
	if w.end != "" {
		return start, w.at(w.end)
	}
	return start, start.Add(w.duration)
}

// nothingIsLeft reports whether the exceptions take out every day of work that is
// not repeated.
func (w *window) nothingIsLeft() bool {
	start, end := w.span()
	day := config.Showing(start, w.zone).Truncate(24 * time.Hour)
	for config.Reaching(day, w.zone).Before(end) {
		if !slices.Contains(w.except, day.Format(config.DateLayout)) {
			return false
		}
		day = day.AddDate(0, 0, 1)
	}
	return true
}
