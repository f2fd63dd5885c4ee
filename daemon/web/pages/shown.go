package pages

import (
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A shownState is a state as pages show it: a word, a shape and a colour, of which none
// stands alone. It is the name of the class and of the shape.
type shownState string

// noState is that of what was not probed, or is not known to history.
const noState shownState = "none"

// Shape returns the name of the shape.
func (s shownState) Shape() string {
	if s == noState || s == "" {
		return string(incident.CheckUnknown)
	}
	return string(s)
}

// Word returns the word that people read beside the shape.
func (s shownState) Word() string {
	switch incident.CheckState(s) {
	case incident.CheckOK:
		return "OK"
	case "", incident.CheckState(noState):
		return "no data"
	case incident.CheckFailing, incident.CheckDegraded, incident.CheckDown, incident.CheckRecovering,
		incident.CheckUnknown, incident.CheckPaused, incident.CheckMaintenance:
	}
	return string(s)
}

// A clock is the time of a page and the zone in which it shows times.
type clock struct {
	now  time.Time
	zone *time.Location
}

// at returns a time as a page shows it; nil: it is not known.
func (c clock) at(t *time.Time) stamp {
	if t == nil {
		return stamp{}
	}
	return stamp{*t, c}
}

// A stamp is a time as a page shows it.
type stamp struct {
	at time.Time
	clock
}

// Known reports whether there is a time to show.
func (s stamp) Known() bool { return !s.at.IsZero() }

// ISO returns the time for programs.
func (s stamp) ISO() string { return s.at.UTC().Format(time.RFC3339) }

// Exact returns the time in the zone of the page, "2026-11-30 08:00 CET".
func (s stamp) Exact() string { return s.at.In(s.zone).Format("2006-01-02 15:04 MST") }

// Clock returns the time of the day with seconds, for a list whose day is known.
func (s stamp) Clock() string { return s.at.In(s.zone).Format("15:04:05") }

// Day returns the day in the zone of the page.
func (s stamp) Day() string { return s.at.In(s.zone).Format(time.DateOnly) }

// Near returns the time of the day; with the date where that could be taken for another
// day.
func (s stamp) Near() string {
	if far := s.now.Sub(s.at).Abs(); far > 20*time.Hour {
		return s.at.In(s.zone).Format("2006-01-02 15:04")
	}
	return s.at.In(s.zone).Format("15:04")
}

// Rough returns the time of the day, or of another day its date.
func (s stamp) Rough() string {
	if s.now.Sub(s.at).Abs() > 20*time.Hour {
		return s.Day()
	}
	return s.Near()
}

// Relative returns how far the time is from the time of the page, in words.
func (s stamp) Relative() string {
	switch d := s.now.Sub(s.at); {
	case d < 0:
		return "in " + coarse(-d)
	case d < time.Second:
		return "now"
	default:
		return coarse(d) + " ago"
	}
}

// Long returns how long the time is ago, "2h 13m".
func (s stamp) Long() string { return coarse(s.now.Sub(s.at)) }

// coarse returns a duration without what nobody reads: the seconds beside ten minutes or
// more, the minutes and hours beside days.
func coarse(d time.Duration) string {
	switch {
	case d >= 10*24*time.Hour:
		d = d.Truncate(24 * time.Hour)
	case d >= 10*time.Minute:
		d = d.Truncate(time.Minute)
	}
	return notifiers.Duration(d)
}

// A fact is one line of a list of facts.
type fact struct {
	Name, Text string
	Link       string
	Away       bool // Link leads to another site
	Mono       bool
	Time       stamp
}

// A heading is that of a section.
type heading struct{ ID, Title, Aside string }

// A void is said where there is nothing to list.
type void struct{ Title, Text string }

// counted returns a number with what it counts, "9,987 checks".
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + more
}

// grouped returns a number with a comma before each three digits, as people read it.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
