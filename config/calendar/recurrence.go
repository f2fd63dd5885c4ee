package calendar

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/imapvigil/imapvigil/config"
)

// horizon is how far ahead a recurrence is looked for. That there is one at all
// is made sure of when the files are read.
const horizon = 400 * 24 * time.Hour

// clockChange is by how much what clocks show differs from elapsed time at most, with
// room to spare: Samoa left out a whole day in 2011.
const clockChange = 26 * time.Hour

// recurringSpan returns the span of maintenance that a rule of RFC 5545 section 3.3.10
// repeats. The clocks of the zone count for the beginnings, elapsed time for how long it
// lasts.
func recurringSpan(m *config.Maintenance, at time.Time) Span {
	now := Showing(at, m.Zone)
	var list []stretch
	for shown, begins := range beginnings(m, now.Add(horizon)) {
		if slices.Contains(m.Except, shown.Format(DateLayout)) || shown.Add(m.Duration+clockChange).Before(now) {
			continue
		}
		list = append(list, stretch{begins, begins.Add(m.Duration)})
		// One that surely begins later is enough, since nothing changes before the first
		// of them.
		if shown.After(now.Add(clockChange)) {
			break
		}
	}
	begun := slices.DeleteFunc(slices.Clone(list), func(s stretch) bool { return s.from.After(at) })
	if found := spanAround(at, begun); found.In {
		return found
	}
	found := spanAround(at, list)
	if found.To.IsZero() {
		// Nobody has looked further, so the answer holds until there.
		found.To = at.Add(horizon)
	}
	return found
}

// recurs reports whether a rule has an occurrence that is not excepted. One that has
// none would be looked for until the year 9999 whenever somebody asks.
func recurs(m *config.Maintenance) bool {
	for shown := range beginnings(m, time.Time{}) {
		if !slices.Contains(m.Except, shown.Format(DateLayout)) {
			return true
		}
	}
	return false
}

// beginnings yields the occurrences of a rule, exceptions included, until a time or,
// with zero, until its end: what the clocks of the zone show, as if that were UTC, and
// the moment. The rule is evaluated on what clocks show, since a time that comes twice,
// or never, has a meaning of its own there.
func beginnings(m *config.Maintenance, last time.Time) iter.Seq2[time.Time, time.Time] {
	return func(yield func(shown, begins time.Time) bool) {
		option, err := rrule.StrToROptionInLocation(m.RRule, time.UTC)
		if err != nil {
			return // CheckRule has seen to it
		}
		until := option.Until
		// UNTIL is a moment in UTC (RFC 5545 section 3.3.10), and the rule is evaluated on
		// what clocks show. So it is cut later here, and each beginning is compared with
		// it below.
		if option.Until = last; !until.IsZero() && (last.IsZero() || Showing(until, m.Zone).Add(clockChange).Before(last)) {
			option.Until = Showing(until, m.Zone).Add(clockChange)
		}
		// Not the moment of the start: where clocks skip that, every occurrence would be
		// as late as the first.
		if option.Dtstart = m.Clock; m.Clock.IsZero() {
			option.Dtstart = Showing(m.Start, m.Zone)
		}
		rule, err := rrule.NewRRule(*option)
		if err != nil {
			return
		}
		next := rule.Iterator()
		for shown, ok := next(); ok; shown, ok = next() {
			begins := FirstShowing(shown, m.Zone)
			if !until.IsZero() && begins.After(until) {
				continue // what clocks show after it may begin before it, when they are set back
			}
			if !yield(shown, begins) {
				return
			}
		}
	}
}

// PlainRule returns a rule as the RFC writes it, of one as calendars export it: in
// capitals, which mean the same as other letters, and without the name of the property.
func PlainRule(text string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
}

// CheckRule returns what is wrong with a rule of RFC 5545 section 3.3.10 in a sentence,
// or "". A rule that repeats more often than daily is refused: weekly windows and BYHOUR
// say that better. The
// library that evaluates it forgives more than the RFC allows, and takes for "forever"
// what was meant otherwise.
func CheckRule(text string) (wrong string) {
	text = PlainRule(text)
	option, err := rrule.StrToROption(text)
	parts, wrong := ruleParts(text)
	switch {
	case strings.Contains(text, "DTSTART"):
		return "When it begins is said by start."
	case wrong != "":
		return wrong
	case err != nil:
		return "This is no recurrence rule of RFC 5545, such as \"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU\"."
	case option.Freq > rrule.DAILY: // the library counts from YEARLY to SECONDLY
		return "FREQ is YEARLY, MONTHLY, WEEKLY or DAILY; for several times a day there is BYHOUR."
	}
	if wrong := forbidden(parts); wrong != "" {
		return wrong
	}
	if _, err := rrule.NewRRule(*option); err != nil {
		return "A number in this recurrence rule is out of its bounds."
	}
	return ""
}

var knownParts = []string{
	"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO",
	"BYMONTH", "BYSETPOS", "WKST",
}

// ruleParts returns the parts of a rule by name, or what is wrong with its form, in a
// sentence.
func ruleParts(text string) (parts map[string]string, wrong string) {
	parts = map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		_, twice := parts[name]
		switch {
		case !ok || value == "":
			return nil, "A recurrence rule is made of NAME=VALUE with ; between, like \"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU\"."
		case !slices.Contains(knownParts, name):
			return nil, "A recurrence rule is made of " + enumerate(knownParts, "and") + "."
		case twice:
			return nil, name + " is written twice."
		}
		parts[name] = value
	}
	return parts, ""
}

var (
	untilTime   = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z$`)
	withNumbers = regexp.MustCompile(`[0-9]`)
)

// forbidden returns which MUST NOT of RFC 5545 section 3.3.10 a rule breaks.
func forbidden(parts map[string]string) string {
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

// misplaced returns which part does not go with how often the rule is evaluated.
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
	choosing := func(name string) bool { return strings.HasPrefix(name, "BY") && name != "BYSETPOS" }
	if _, ok := parts["BYSETPOS"]; ok && !slices.ContainsFunc(slices.Collect(maps.Keys(parts)), choosing) {
		return "BYSETPOS chooses among what another BY... gives, and there is none."
	}
	return ""
}

func isPositive(text string) bool {
	// COUNT=0 would be no COUNT to the library, and so for ever.
	n, err := strconv.ParseUint(text, 10, 31)
	return err == nil && n > 0
}

func enumerate(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
