package hclfile

import (
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// date is a day of the calendar.
var date = textJudged("date", ruleDate, func(text string) complaint {
	if _, err := time.Parse(calendar.DateLayout, text); err == nil {
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

// otherDate returns a date that is written otherwise and can mean one day only, or "".
// In 04/05/2026 it depends on the country which is the month.
func otherDate(text string) string {
	parts := yearFirst.FindStringSubmatch(text)
	if m := dayFirst.FindStringSubmatch(text); m != nil {
		parts = []string{"", m[3], m[2], m[1]}
	}
	if parts == nil {
		return ""
	}
	meant := fmt.Sprintf("%s-%02s-%02s", parts[1], parts[2], parts[3])
	if _, err := time.Parse(calendar.DateLayout, meant); err != nil {
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
		v, _ := expr.Value(diagnose.NothingKnown)
		if !isText(v) {
			continue
		}
		if day, err := time.Parse(calendar.DateLayout, v.AsString()); err == nil && !begins(day) {
			l.Report(ruleNoException, expr.Range(), "%s is a %s, on which nothing begins, so this has no effect.", v.AsString(), day.Weekday())
		}
	}
}
