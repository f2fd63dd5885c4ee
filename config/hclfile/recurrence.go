package hclfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/teambition/rrule-go"
)

// recurrence is a rule of RFC 5545 section 3.3.10. More often than daily is no
// maintenance; it is weekly windows, or BYHOUR.
var recurrence = textWith("recurrence rule", ruleRecurrence, func(text string) string {
	text = plainRule(text)
	option, err := rrule.StrToROption(text)
	parts, wrong := ruleParts(text)
	switch {
	case strings.Contains(text, "DTSTART"):
		return "When it begins is said by start."
	case wrong != "":
		return wrong
	case err != nil:
		return "This is no recurrence rule of RFC 5545, such as \"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU\"."
	case option.Freq > rrule.DAILY:
		return "FREQ is YEARLY, MONTHLY, WEEKLY or DAILY; for several times a day there is BYHOUR."
	}
	if wrong := misused(parts); wrong != "" {
		return wrong
	}
	if _, err := rrule.NewRRule(*option); err != nil {
		return "A number in this recurrence rule is out of its bounds."
	}
	return ""
})

// plainRule is a rule as calendars export it: in capitals, which mean the same as
// other letters, and without the name of the property.
func plainRule(text string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
}

// ruleParts takes a rule apart. The library that evaluates it forgives more than
// the RFC allows, and takes for "forever" what was meant otherwise.
func ruleParts(text string) (parts map[string]string, wrong string) {
	known := []string{"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS", "WKST"}
	parts = map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		_, twice := parts[name]
		switch {
		case !ok || value == "":
			return nil, "A recurrence rule is made of NAME=VALUE with ; between, like \"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU\"."
		case !slices.Contains(known, name):
			return nil, "A recurrence rule is made of " + enumerate(known, "and") + "."
		case twice:
			return nil, name + " stands twice in it."
		}
		parts[name] = value
	}
	return parts, ""
}

var (
	untilTime   = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`)
	withNumbers = regexp.MustCompile(`[0-9]`)
)

// misused is what RFC 5545 says MUST NOT be, beside what is no rule at all.
func misused(parts map[string]string) string {
	_, until := parts["UNTIL"]
	_, count := parts["COUNT"]
	_, weeks := parts["BYWEEKNO"]
	freq := parts["FREQ"]
	switch {
	case until && count:
		return "UNTIL and COUNT exclude each other. Leave one of them out."
	case until && !untilTime.MatchString(parts["UNTIL"]):
		return "UNTIL is a time in UTC here, like UNTIL=20261231T230000Z."
	case withNumbers.MatchString(parts["BYDAY"]) && (freq != "MONTHLY" && freq != "YEARLY" || weeks):
		return "BYDAY has numbers, like 2TU for the second Tuesday, only with FREQ=MONTHLY, and with FREQ=YEARLY without BYWEEKNO."
	}
	for _, name := range []string{"COUNT", "INTERVAL"} {
		if value, ok := parts[name]; ok && !isPositive(value) {
			return name + " is a whole number from 1."
		}
	}
	return misplaced(parts, freq)
}

// misplaced finds the parts that do not go with how often the rule is evaluated.
func misplaced(parts map[string]string, freq string) string {
	for _, part := range []struct {
		name string
		with []string
	}{
		{"BYWEEKNO", []string{"YEARLY"}},
		{"BYYEARDAY", []string{"YEARLY"}},
		{"BYMONTHDAY", []string{"DAILY", "MONTHLY", "YEARLY"}},
	} {
		if _, ok := parts[part.name]; ok && !slices.Contains(part.with, freq) {
			return fmt.Sprintf("%s goes with FREQ=%s, not with FREQ=%s.", part.name, enumerate(part.with, "or"), freq)
		}
	}
	others := slices.ContainsFunc(slices.Collect(maps.Keys(parts)), func(name string) bool { return strings.HasPrefix(name, "BY") && name != "BYSETPOS" })
	if _, ok := parts["BYSETPOS"]; ok && !others {
		return "BYSETPOS chooses among what another BY... gives, and there is none."
	}
	return ""
}

func isPositive(text string) bool {
	n, err := strconv.ParseUint(text, 10, 31)
	return err == nil && n > 0
}
