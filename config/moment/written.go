package moment

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/calendar"
)

// A written is a day, a clock time, or both, before it is known which moment is meant.
type written struct {
	day   dayRule       // nil: the nearest day
	clock time.Duration // since the midnight before; 24 hours: the midnight after
	text  string        // the clock time as it is shown: "08:00"

	zone         *time.Location // nil: that of whoever types
	abbreviation string         // of that zone, like "cet"; empty: it is not written
	clocked      bool           // a clock time is written
}

// A dayRule returns the midnight that a word means, as if clocks showed UTC. fits reports
// whether the written time of a day is on the wanted side of now.
type dayRule func(today time.Time, d direction, fits func(time.Time) bool) (time.Time, error)

// parseWritten reads words in small letters.
func parseWritten(text string) (w written, err error) {
	w.text = "00:00"
	for i, word := range wordsOf(text) {
		rule := dayOf(word)
		at, isClock, wrong := parseClock(word)
		switch {
		case wrong != nil:
			return w, wrong
		case rule != nil && w.day == nil:
			w.day = rule
		case isClock && !w.clocked:
			w.clock, w.text, w.clocked = at, showClock(at), true
		case i > 0 && w.clocked && w.zone == nil && w.abbreviation == "":
			if err := w.parseZone(word); err != nil {
				return w, err
			}
		default:
			return w, explainWord(word)
		}
	}
	if w.day == nil && !w.clocked {
		return w, errForms
	}
	return w, nil
}

var (
	// dateAndClock takes the T of RFC 3339 for a space.
	dateAndClock = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})t([0-9].*)$`)
	// clockAndZone parts what is written without a space: 08:00z, 08:00+01:00.
	clockAndZone = regexp.MustCompile(`^([0-9:]+)(z|utc|[+-][0-9]{2}:?[0-9]{2})$`)
)

// wordsOf returns the words of a text; "at" is none: "tomorrow at 08:00".
func wordsOf(text string) (list []string) {
	for _, word := range strings.Fields(text) {
		parts := []string{word}
		if m := dateAndClock.FindStringSubmatch(word); m != nil {
			parts = m[1:]
		}
		for _, part := range parts {
			if m := clockAndZone.FindStringSubmatch(part); m != nil && strings.Contains(m[1], ":") {
				list = append(list, m[1:]...)
			} else if part != "at" {
				list = append(list, part)
			}
		}
	}
	return list
}

// dayOf returns what a word for a day means; nil: it is none.
func dayOf(word string) dayRule {
	switch word {
	case "today":
		return fromToday(0)
	case "tomorrow":
		return fromToday(1)
	case "yesterday":
		return fromToday(-1)
	}
	if weekday, ok := weekdayOf(word); ok {
		return nearestWeekday(weekday)
	}
	if !isoDate.MatchString(word) {
		return nil
	}
	return func(time.Time, direction, func(time.Time) bool) (time.Time, error) {
		day, err := time.Parse(calendar.DateLayout, word)
		if err != nil {
			return day, fmt.Errorf("%s is no date", word)
		}
		return day, nil
	}
}

var isoDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

func fromToday(days int) dayRule {
	return func(today time.Time, _ direction, _ func(time.Time) bool) (time.Time, error) {
		return today.AddDate(0, 0, days), nil
	}
}

// weekdayOf reads "monday" and "mon".
func weekdayOf(word string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); word == name || word == name[:3] {
			return day, true
		}
	}
	return 0, false
}

// nearestWeekday is the next such day, or the last one; today, if the time fits.
func nearestWeekday(weekday time.Weekday) dayRule {
	return func(today time.Time, d direction, fits func(time.Time) bool) (time.Time, error) {
		step := 1
		if d == backward {
			step = -1
		}
		day := today
		for day.Weekday() != weekday || day.Equal(today) && !fits(day) {
			day = day.AddDate(0, 0, step)
		}
		return day, nil
	}
}

var clockPattern = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$`)

// parseClock reads "8:00", "22:00" and "22:00:30"; 24:00 is the end of a day. Without an
// error and without isClock the word is something else.
func parseClock(word string) (at time.Duration, isClock bool, err error) {
	m := clockPattern.FindStringSubmatch(word)
	if m == nil {
		return 0, false, nil
	}
	at = span(m[1], m[2], m[3])
	if m[2] > "59" || m[3] > "59" || at > 24*time.Hour {
		return 0, false, fmt.Errorf("clocks go from 00:00 to 24:00, and %s is no time", word)
	}
	return at, true, nil
}

// span returns a duration of hours, minutes and seconds, of two digits at most each.
func span(hours, minutes, seconds string) (total time.Duration) {
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi([]string{hours, minutes, seconds}[i]) // the patterns let nothing else through but ""
		total += time.Duration(n) * unit
	}
	return total
}

func showClock(at time.Duration) string {
	text := fmt.Sprintf("%02d:%02d", int(at.Hours()), int(at.Minutes())%60)
	if seconds := int(at.Seconds()) % 60; seconds > 0 {
		text += fmt.Sprintf(":%02d", seconds)
	}
	return text
}

var offsetPattern = regexp.MustCompile(`^([+-])([0-9]{2}):?([0-9]{2})$`)

// parseZone reads what stands behind a clock time: UTC, an offset, or the abbreviation of
// the zone of whoever types, as times are shown to them.
func (w *written) parseZone(word string) error {
	if word == "utc" || word == "z" || word == "gmt" {
		w.zone = time.UTC
		return nil
	}
	if m := offsetPattern.FindStringSubmatch(word); m != nil {
		offset := span(m[2], m[3], "")
		if offset >= 24*time.Hour || m[3] > "59" {
			return fmt.Errorf("%s is no offset from UTC", word)
		}
		if m[1] == "-" {
			offset = -offset
		}
		w.zone = time.FixedZone("", int(offset.Seconds()))
		return nil
	}
	if !abbreviationPattern.MatchString(word) {
		return explainWord(word)
	}
	w.abbreviation = word
	return nil
}

// abbreviationPattern is what time.Time.Format may show for MST: CET, +03, -0330.
var abbreviationPattern = regexp.MustCompile(`^([a-z]{2,6}|[+-][0-9]{2})$`)

// explainWord says what may be meant by a word that is no part of a time.
func explainWord(word string) error {
	if _, err := strconv.ParseUint(word, 10, 64); err == nil && len(word) <= 4 {
		return fmt.Errorf("a number needs a unit, like %q or %q; a clock time is written like %q", word+"h", word+"m", "22:00")
	}
	if slices.Contains([]string{"am", "pm"}, word) || meridiem.MatchString(word) {
		return errors.New(`clock times go from 00:00 to 24:00, like "22:00"`)
	}
	return errForms
}

var meridiem = regexp.MustCompile(`^[0-9:]+[ap]m$`)
