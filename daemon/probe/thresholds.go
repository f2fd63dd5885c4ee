package probe

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A threshold is how long a phase, or the whole conversation, may take.
type threshold struct {
	phase config.Phase // of the finding
	name  string       // the subject of its sentence
	limit time.Duration
	took  time.Duration
}

// thresholds lists the limits of a check beside what its phases took.
func thresholds(check config.Probe, took config.PhaseTimes) (list []threshold) {
	limits := check.Thresholds
	if check.Login == (config.Login{}) {
		limits[config.PhaseLogin] = 0
	}
	if check.Login.Mailbox == "" {
		limits[config.PhaseSelect] = 0
	}
	for p := range config.LimitedPhases() {
		t := threshold{p, p.Name(), limits[p], took[p]}
		if p == config.WholeConversation {
			t.phase = longest(took)
		}
		list = append(list, t)
	}
	return list
}

// longest returns the phase that took most of the time.
func longest(took config.PhaseTimes) (phase config.Phase) {
	var most time.Duration
	for p := range config.Phases() {
		if took[p] > most {
			phase, most = p, took[p]
		}
	}
	return phase
}

// compareThresholds finds what took longer than it may: the phase that is over
// its limit by the largest factor. What took long only because this process was
// late proves nothing.
func (c *conversation) compareThresholds(late time.Duration) {
	if c.outcome.failure != nil {
		return
	}
	c.outcome.timed = c.outcome.login != verdict.LoginUntried // without the login that was due it was no whole conversation
	var worst threshold
	for _, t := range thresholds(c.check, c.outcome.address.Timings) {
		if t.limit <= 0 {
			continue
		}
		if t.took == 0 && (t.phase == config.PhaseLogin || t.phase == config.PhaseSelect) {
			c.outcome.timed = false // this probe did not log in: it cannot tell
		}
		if t.took > t.limit && t.took-late <= t.limit {
			c.outcome.timed = false // it cannot tell
			continue
		}
		if t.took > t.limit && (worst.limit == 0 || ratio(t) > ratio(worst)) {
			worst = t
		}
	}
	if worst.limit == 0 {
		return
	}
	c.outcome.timed = true
	c.found(incident.Finding{
		Condition: config.ConditionLatency, Health: incident.Degraded, Phase: worst.phase, Cause: config.CauseSlow,
		Hint: fmt.Sprintf("%s took %s, more than the %s that the thresholds allow.", worst.name, beyond(worst.limit, worst.took), worst.limit),
	})
}

// beyond rounds a time to milliseconds, or to as many digits as show that it is
// more than the limit, and two at least.
func beyond(limit, took time.Duration) time.Duration {
	unit := time.Millisecond
	for (took.Round(unit) <= limit || took < 10*unit) && unit > 1 {
		unit /= 10
	}
	return took.Round(unit)
}

func ratio(t threshold) float64 { return float64(t.took) / float64(t.limit) }

// found adds what is wrong without ending the conversation.
func (c *conversation) found(f incident.Finding) { c.outcome.found(f) }
