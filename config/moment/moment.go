// Package moment reads times as people type them: "2h", "22:00", "tomorrow 08:00",
// "2026-11-30 08:00", "yesterday", or RFC 3339.
//
// What is typed without a zone is meant by the clocks of whoever types: the zone of the
// argument now, in which the answer is given, too. An hour that the clocks of a zone skip
// is the moment at which they do; of one that comes twice, the one that is still to come,
// or else the first. Nothing in this package reads the machine's clock.
package moment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

// A Moment is a time that somebody typed.
type Moment struct {
	At time.Time // in the zone of whoever typed
	// Note says what they may not expect of it, as a sentence; empty: nothing.
	Note string
}

// Forms lists the forms of a time, for the help of a flag.
const Forms = `"2h", "22:00", "tomorrow 08:00", "2026-11-30 08:00"`

// errForms says how a time is written.
var errForms = errors.New(`write a duration ("2h", "90m", "1d"), a clock time ("22:00"), a day and a time ("tomorrow 08:00", "monday 08:00", "2026-11-30 08:00"), a day alone ("yesterday", "2026-11-30"), or RFC 3339 ("2026-11-30T08:00:00Z")`)

// A direction says on which side of now a time is looked for.
type direction int

const (
	forward  direction = iota // and it must be after now
	backward                  // and it must not be after now
	anywhere                  // what can be both is after now
)

// Until reads a time in the future: a duration counts from now, and "22:00" is tomorrow's if
// today's has passed.
func Until(text string, now time.Time) (Moment, error) { return read(text, now, forward) }

// Since reads a time that has passed: a duration counts back from now, and "22:00" is
// yesterday's if today's is still to come.
func Since(text string, now time.Time) (Moment, error) { return read(text, now, backward) }

// At reads any time: what can be in the future is.
func At(text string, now time.Time) (Moment, error) { return read(text, now, anywhere) }

func read(text string, now time.Time, d direction) (Moment, error) {
	m, err := parse(strings.ToLower(text), now, d)
	if err != nil {
		return Moment{}, fmt.Errorf("%q cannot be read as a time: %w", text, err)
	}
	m.At = m.At.In(now.Location())
	switch {
	case d == forward && !m.At.After(now):
		return Moment{}, fmt.Errorf("%q has passed: it must be in the future", text)
	case d == backward && m.At.After(now):
		return Moment{}, fmt.Errorf("%q is still to come: it must be in the past", text)
	}
	return m, nil
}

func parse(text string, now time.Time, d direction) (Moment, error) {
	if at, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return Moment{At: at}, nil
	}
	if strings.TrimSpace(text) == "now" {
		return Moment{At: now}, nil
	}
	if span, ok := parseSpan(text, d); ok {
		return Moment{At: now.Add(span)}, nil
	}
	w, err := parseWritten(text)
	if err != nil {
		return Moment{}, err
	}
	return w.resolve(now, d)
}

// parseSpan reads a duration from now, which is negative for one that counts back.
func parseSpan(text string, d direction) (time.Duration, bool) {
	// "1h 30m" is read as "1h30m".
	text = strings.Join(strings.Fields(text), "")
	back := d == backward
	switch {
	case strings.HasPrefix(text, "+"):
		text, back = text[1:], false
	case strings.HasPrefix(text, "in"):
		text, back = text[2:], false
	case strings.HasPrefix(text, "-"):
		text, back = text[1:], true
	case strings.HasSuffix(text, "ago"):
		text, back = strings.TrimSuffix(text, "ago"), true
	}
	span, err := config.ParseDuration(text)
	if back {
		span = -span
	}
	return span, err == nil
}

// resolve returns the moment that is meant on a side of now.
func (w written) resolve(now time.Time, d direction) (Moment, error) {
	zone := now.Location()
	if w.zone != nil {
		zone = w.zone
	}
	today := date(now.In(zone))
	fits := func(day time.Time) bool {
		return slices.ContainsFunc(w.candidates(day, zone), func(at time.Time) bool { return at.After(now) == (d != backward) })
	}
	if w.day != nil {
		day, err := w.day(today, d, fits)
		if err != nil {
			return Moment{}, err
		}
		return w.on(day, now, zone, d)
	}
	if fits(today) {
		return w.on(today, now, zone, d)
	}
	step, note := 1, w.text+" has passed today, so this is tomorrow."
	if d == backward {
		step, note = -1, w.text+" is still to come today, so this is yesterday."
	}
	m, err := w.on(today.AddDate(0, 0, step), now, zone, d)
	m.Note = cmp.Or(m.Note, note)
	return m, err
}

// candidates returns the moments of a day at which the clocks of a zone show the time: two
// where it comes twice, and the end of the gap where it is skipped.
func (w written) candidates(day time.Time, zone *time.Location) []time.Time {
	if moments := calendar.Showings(day.Add(w.clock), zone); len(moments) > 0 {
		return moments
	}
	return []time.Time{calendar.Reaching(day.Add(w.clock), zone)}
}

// on returns the one of the candidates of a day that is meant.
func (w written) on(day, now time.Time, zone *time.Location, d direction) (m Moment, err error) {
	moments := w.candidates(day, zone)
	m.At = moments[0]
	if last := moments[len(moments)-1]; d != backward && !m.At.After(now) && last.After(now) {
		m.At = last
	}
	if w.abbreviation != "" {
		named := slices.IndexFunc(moments, func(at time.Time) bool { return strings.EqualFold(at.Format("MST"), w.abbreviation) })
		if named < 0 {
			return m, fmt.Errorf("the zone here is %s at that time, not %s; other zones are written as UTC or as an offset, like \"08:00 +02:00\"", m.At.Format("MST"), strings.ToUpper(w.abbreviation))
		}
		m.At = moments[named]
	}
	if !calendar.Showing(m.At, zone).Equal(day.Add(w.clock)) {
		m.Note = fmt.Sprintf("The clocks skip %s on that day, so this is %s.", w.text, m.At.Format("15:04 MST"))
	}
	return m, nil
}

// date returns the midnight before a time, as if its clocks showed UTC.
func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
