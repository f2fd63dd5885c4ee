package selfcheck

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

const (
	// settling is how long after a jump this machine's own faults are no news:
	// networks take a moment to come back.
	settling = 45 * time.Second
	// wrongBy is the least error of a clock that is worth a word.
	wrongBy = time.Minute
	// doubtFor bounds how long a step keeps certificates from being judged: by
	// then somebody has read the monitor's incident.
	doubtFor = 24 * time.Hour
	// aDay decides about warnings, which are about weeks.
	aDay = 24 * time.Hour
	// shortLived is the longest life of a certificate that says something about
	// the year: public authorities give no more than 398 days (CA/Browser Forum
	// baseline requirements, section 6.3.2).
	shortLived = 400 * aDay
)

// A wallClock knows what may be wrong with the wall clock. That somebody has set it
// is noticed by daemon/clock. Whether that was right or wrong only other
// things can tell, so the time that the old clock would show now stands as an
// alternative for a day, until the clock is set back, or until a verified
// certificate shows up that is in date by the new clock and not by the old one.
// The newest record of the journal is another alternative when it lies ahead.
//
// A certificate's dates are in doubt when they would be right by the
// alternative. Without an alternative a certificate that has expired has
// expired, even when all do on one day: those of one house are often issued
// together. But two that are not valid yet, and none that is in date, mean that
// this clock is slow: nobody installs what is not valid yet.
type wallClock struct {
	read   func() clock.Reading
	start  time.Time
	newest time.Time // of the journal, while it is an alternative

	reading clock.Reading   // at the last look
	trusted time.Duration   // how far the clock was set when it was known to be right
	jumped  time.Time       // when the last suspend, standstill or clock jump was noticed
	inDate  bool            // a short-lived certificate was in date since the last step
	future  map[string]bool // certificates that were not valid yet since then
}

func newClock(o Options) wallClock {
	r := o.Clock()
	return wallClock{
		read: o.Clock, start: r.At, newest: o.Newest, reading: r, trusted: r.ClockSet, future: map[string]bool{},
	}
}

// readAgain reads the clocks and reports whether one of them has jumped since the last
// look, or the process has stood still, which is the same to whoever judges by time.
// It is this look that counts, and not when daemon/clock noticed: what was found
// between the two was found by a machine that had hardly woken up.
func (c *wallClock) readAgain() (disturbed bool) {
	last, r := c.reading, c.read()
	c.reading = r
	jumped := r.ClockJumped.After(last.ClockJumped)
	if jumped {
		c.inDate = false
		// What was learned of dates was learned by the clock of before.
		clear(c.future)
	}
	if jumped || r.MachineResumed.After(last.MachineResumed) || r.ProcessResumed.After(last.ProcessResumed) {
		c.jumped, disturbed = r.At, true
	}
	return disturbed
}

// noticeClockJump reads the clocks. What was known of the links before a suspend or a
// standstill proves nothing after it.
func (s *Self) noticeClockJump(now time.Time) {
	if s.clock.readAgain() {
		for _, l := range s.links {
			l.woke = now
		}
	}
}

// disturbance is why nothing bad is believed of a probe that ran across a jump.
var disturbance = verdict.Mark{
	Cause: config.CauseLocalFault,
	Hint: "The clock of this machine jumped, or the machine or imapvigil was suspended, during the probe; " +
		"the result was discarded.",
}

// otherTimes returns the times that it may be instead of what the wall clock shows.
func (c *wallClock) otherTimes(wall time.Time, now time.Time) (list []time.Time) {
	step := c.reading.ClockSet - c.trusted
	if step.Abs() >= wrongBy && now.Sub(c.reading.ClockJumped) < doubtFor {
		list = append(list, wall.Add(-step))
	}
	if c.newest.Sub(wall) >= wrongBy && now.Sub(c.start) < doubtFor {
		list = append(list, c.newest)
	}
	return list
}

// suspectDates learns from the certificates of a probe, and returns those whose dates
// look wrong while the clock may be.
func (c *wallClock) suspectDates(p verdict.Probe) (suspicions []suspicion) {
	wall, now := c.reading.Wall, c.reading.At
	// All certificates first: one that is in date may rule out the doubt about another.
	for i := range p.Conversations {
		c.learnFromCertificate(&p.Conversations[i], wall, now)
	}
	for i := range p.Conversations {
		cause := causeAboutDates(&p.Conversations[i])
		if cause == "" {
			continue
		}
		if concluded := c.judgeDates(cause, p.Conversations[i].Address.TLS, wall, now); concluded != ruledOut {
			suspicions = append(suspicions, suspicion{
				concluded: concluded, clockHint: c.suspectHint(wall), conversations: []int{i},
			})
		}
	}
	return suspicions
}

// causeAboutDates returns what is wrong with the dates of the certificate in a
// conversation; empty: nothing.
func causeAboutDates(c *verdict.Conversation) config.Cause {
	switch {
	case c.Address.TLS == nil || !c.Known():
	case c.Failure != nil && verdict.AboutDates(c.Failure.Cause):
		return c.Failure.Cause
	default:
		for i := range c.Findings {
			if verdict.AboutDates(c.Findings[i].Cause) {
				return c.Findings[i].Cause
			}
		}
	}
	return ""
}

// learnFromCertificate notes that a verified certificate is in date: by the clock as it
// is now, and perhaps not by another time that it may be.
func (c *wallClock) learnFromCertificate(with *verdict.Conversation, wall, now time.Time) {
	t := with.Address.TLS
	if t == nil || with.Failure != nil || !with.Known() || !validAt(t, wall) {
		return
	}
	if t.NotAfter.Sub(t.NotBefore) <= shortLived {
		c.inDate = true
	}
	for _, other := range c.otherTimes(wall, now) {
		switch {
		case validAt(t, other):
		// The two alternatives are told apart by their value.
		case other.Equal(c.newest):
			c.newest = time.Time{} // the journal was written by a clock that was fast
		default:
			c.trusted = c.reading.ClockSet // the step has put the clock right
		}
	}
}

func validAt(t *incident.TLSInfo, at time.Time) bool {
	return !at.Before(t.NotBefore) && !at.After(t.NotAfter)
}

// judgeDates concludes whether the clock is the reason of what is wrong with the dates
// of a certificate.
func (c *wallClock) judgeDates(cause config.Cause, t *incident.TLSInfo, wall, now time.Time) conclusion {
	for _, other := range c.otherTimes(wall, now) {
		if dependsOnClock(cause, t, wall, other) {
			return clockWrong
		}
	}
	if cause != config.CauseCertNotYetValid || c.inDate {
		return ruledOut
	}
	const enough = 2
	if len(c.future) < enough {
		c.future[t.SHA256] = true
	}
	// In the first minute one is enough: none that is in date has had time to show up.
	if len(c.future) < enough && now.Sub(c.start) >= early {
		return notRuledOut
	}
	return clockWrong
}

// dependsOnClock reports whether the trouble might be none at another time.
func dependsOnClock(cause config.Cause, t *incident.TLSInfo, wall, other time.Time) bool {
	switch cause {
	case config.CauseCertNotYetValid:
		return !other.Before(t.NotBefore)
	case config.CauseCertExpired:
		return !other.After(t.NotAfter) // true also if an intermediate has expired, whose dates are not known
	default:
		return wall.Sub(other) >= aDay
	}
}

// suspectHint returns why the clock may be wrong, for people.
func (c *wallClock) suspectHint(wall time.Time) string {
	const sorry = " Until the time is certain, the dates of certificates are not checked."
	switch step := c.reading.ClockSet - c.trusted; {
	case step >= wrongBy:
		return fmt.Sprintf("The clock of this machine was set ahead by %s and shows %s, which may be wrong.",
			formatSpan(step), formatMinute(wall)) + sorry
	case step <= -wrongBy:
		return fmt.Sprintf("The clock of this machine was set back by %s and shows %s, which may be wrong.",
			formatSpan(-step), formatMinute(wall)) + sorry
	case c.newest.Sub(wall) >= wrongBy:
		return fmt.Sprintf("The clock of this machine shows %s, but the journal has records of %s.",
			formatMinute(wall), formatMinute(c.newest)) + sorry
	}
	return fmt.Sprintf("The clock of this machine shows %s. At that time several certificates are not valid yet, "+
		"and no certificate that was seen is valid.", formatMinute(wall)) + sorry
}

func formatMinute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func formatSpan(d time.Duration) string {
	if d >= 2*aDay {
		return fmt.Sprintf("%d days", d/aDay)
	}
	return d.Round(time.Second).String()
}
