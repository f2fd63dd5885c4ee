package moment

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

// A Period is a time that somebody asks about, in the zone of whoever asks.
type Period struct {
	From, To time.Time // To is not part of it, and may be in the future
	// Name is how the period is written for people: "2026-10", "2026-10-01 to 2026-10-14".
	Name string
	// Before returns the period of the same kind that ended when this one began.
	Before func() (from, to time.Time)
}

// PeriodForms lists the forms of a period, for the help of a flag.
const PeriodForms = `"2026-10", "last-month", "2026-10-01..2026-10-14", "7d", "30d"`

var errPeriod = errors.New(`write a month ("2026-10"), a quarter ("2026-Q4"), a year ("2026"), a day ("2026-10-05", "yesterday"), "last-month" or "this-month" (or week, quarter, year), a time until now ("7d", "30d"), or FROM..TO ("2026-10-01..2026-10-14")`)

// longestPeriod is longer than anything is kept.
const longestPeriod = 20 * 366 * 24 * time.Hour

// ReadPeriod reads a period. A day at the end of FROM..TO is part of it, a time there is not.
// Days, weeks from Monday, months, quarters and years are those of the zone of now.
func ReadPeriod(text string, now time.Time) (Period, error) {
	const longest = 80 // of two times with their zones
	if len(text) > longest {
		return Period{}, fmt.Errorf("a period has at most %d characters", longest)
	}
	p, err := parsePeriod(strings.ToLower(strings.TrimSpace(text)), now)
	if err != nil {
		return Period{}, fmt.Errorf("%q cannot be read as a period: %w", text, err)
	}
	switch {
	case !p.From.Before(p.To):
		return Period{}, fmt.Errorf("%q is no period: it ends before it begins", text)
	case p.From.After(now):
		return Period{}, fmt.Errorf("%q has not begun yet", text)
	case p.To.Sub(p.From) > longestPeriod:
		return Period{}, fmt.Errorf("%q is longer than 20 years", text)
	}
	return p, nil
}

func parsePeriod(text string, now time.Time) (Period, error) {
	if from, to, ok := strings.Cut(text, ".."); ok {
		return parseFromTo(from, to, now)
	}
	if length, err := config.ParseDuration(text); err == nil {
		return untilNow(text, length, now), nil
	}
	if m := relativePeriod.FindStringSubmatch(text); m != nil {
		back := 0
		if m[1] == "last" {
			back = -1
		}
		return around(now, unitOf[m[2]], back), nil
	}
	switch text {
	case "today":
		return around(now, byDay, 0), nil
	case "yesterday":
		return around(now, byDay, -1), nil
	}
	return parseCalendarPeriod(text, now.Location())
}

var (
	relativePeriod = regexp.MustCompile(`^(this|last)[- ](week|month|quarter|year)$`)
	yearPattern    = regexp.MustCompile(`^[0-9]{4}$`)
	monthPattern   = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})$`)
	quarterPattern = regexp.MustCompile(`^([0-9]{4})-q([1-4])$`)
)

// parseCalendarPeriod reads a year, a quarter, a month or a day.
func parseCalendarPeriod(text string, zone *time.Location) (Period, error) {
	number := func(s string) int {
		n, _ := strconv.Atoi(s) // at most four digits
		return n
	}
	if yearPattern.MatchString(text) {
		return starting(number(text), time.January, 1, byYear, zone), nil
	}
	if m := quarterPattern.FindStringSubmatch(text); m != nil {
		return starting(number(m[1]), time.Month(number(m[2])*3-2), 1, byQuarter, zone), nil
	}
	if m := monthPattern.FindStringSubmatch(text); m != nil {
		month := number(m[2])
		if month < 1 || month > 12 {
			return Period{}, fmt.Errorf("there is no month %s", m[2])
		}
		return starting(number(m[1]), time.Month(month), 1, byMonth, zone), nil
	}
	if !isoDate.MatchString(text) {
		return Period{}, errPeriod
	}
	day, err := time.Parse(calendar.DateLayout, text)
	if err != nil {
		return Period{}, fmt.Errorf("%s is no date", text)
	}
	return starting(day.Year(), day.Month(), day.Day(), byDay, zone), nil
}

// A unit is a kind of period of the calendar.
type unit struct {
	months, days int
	name         func(first time.Time) string
}

var (
	byDay     = unit{days: 1, name: func(t time.Time) string { return t.Format(calendar.DateLayout) }}
	byWeek    = unit{days: 7, name: func(t time.Time) string { return dayToDay(t, t.AddDate(0, 0, 6)) }}
	byMonth   = unit{months: 1, name: func(t time.Time) string { return t.Format("2006-01") }}
	byQuarter = unit{months: 3, name: func(t time.Time) string { return fmt.Sprintf("%04d-Q%d", t.Year(), (int(t.Month())+2)/3) }}
	byYear    = unit{months: 12, name: func(t time.Time) string { return t.Format("2006") }}

	unitOf = map[string]unit{"week": byWeek, "month": byMonth, "quarter": byQuarter, "year": byYear}
)

func dayToDay(first, last time.Time) string {
	return first.Format(calendar.DateLayout) + " to " + last.Format(calendar.DateLayout)
}

// around returns the period of a unit that holds a time, or one some units away.
func around(at time.Time, u unit, away int) Period {
	y, m, d := at.Date()
	switch {
	case u.months > 0:
		d = 1
		m -= (m - 1) % time.Month(u.months)
	case u.days == 7:
		d -= (int(at.Weekday()) + 6) % 7 // Monday
	}
	return starting(y, m+time.Month(away*u.months), d+away*u.days, u, at.Location())
}

// starting returns the period of a unit that begins on a day.
func starting(y int, m time.Month, d int, u unit, zone *time.Location) Period {
	first := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	midnight := func(units int) time.Time {
		return calendar.Reaching(first.AddDate(0, units*u.months, units*u.days), zone).In(zone)
	}
	return Period{
		From: midnight(0), To: midnight(1), Name: u.name(first),
		Before: func() (from, to time.Time) { return midnight(-1), midnight(0) },
	}
}

// untilNow returns the last time of some length.
func untilNow(text string, length time.Duration, now time.Time) Period {
	return between(now.Add(-length), now, "the last "+text)
}

func between(from, to time.Time, name string) Period {
	return Period{From: from, To: to, Name: name, Before: func() (time.Time, time.Time) { return from.Add(-to.Sub(from)), from }}
}

// parseFromTo reads two times; a day is the midnight that it begins with, or ends with.
func parseFromTo(fromText, toText string, now time.Time) (Period, error) {
	fromText, toText = strings.TrimSpace(fromText), strings.TrimSpace(toText)
	first, fromDay, err := edge(fromText, now)
	if err != nil {
		return Period{}, err
	}
	last, toDay, err := edge(toText, now)
	if err != nil {
		return Period{}, err
	}
	if !fromDay || !toDay {
		return between(first.From, pick(toDay, last.To, last.From), shown(first.From)+" to "+shown(pick(toDay, last.To, last.From))), nil
	}
	days := int(last.To.Sub(first.From).Hours()/24 + 0.5)
	p := between(first.From, last.To, first.Name+" to "+last.Name)
	if first.Name == last.Name {
		p.Name = first.Name
	}
	y, m, d := first.From.Date()
	p.Before = func() (time.Time, time.Time) {
		return calendar.Reaching(time.Date(y, m, d-days, 0, 0, 0, 0, time.UTC), now.Location()).In(now.Location()), first.From
	}
	return p, nil
}

// edge reads a border of FROM..TO: a day, or else a time, which is a period without length.
func edge(text string, now time.Time) (p Period, isDay bool, err error) {
	switch text {
	case "today", "yesterday":
		p, err = parsePeriod(text, now)
		return p, true, err
	}
	if isoDate.MatchString(text) || monthPattern.MatchString(text) || quarterPattern.MatchString(text) || yearPattern.MatchString(text) {
		p, err = parseCalendarPeriod(text, now.Location())
		return p, true, err
	}
	at, err := At(text, now)
	return Period{From: at.At, To: at.At}, false, err
}

func shown(at time.Time) string { return at.Format("2006-01-02 15:04") }

func pick(first bool, a, b time.Time) time.Time {
	if first {
		return a
	}
	return b
}
