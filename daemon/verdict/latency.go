package verdict

import (
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A threshold is how long a phase, or the whole conversation, may take.
type threshold struct {
	phase config.Phase // of the finding
	name  string       // the subject of its sentence
	limit time.Duration
	took  time.Duration
}

// thresholds returns the limits of a check beside what its phases took.
func thresholds(check *config.Probe, took config.PhaseTimes) (list []threshold) {
	limits := check.Thresholds
	if check.Login == (config.Login{}) {
		// No limit holds for what the check never does.
		limits[config.PhaseLogin] = 0
	}
	if check.Login.Mailbox == "" {
		limits[config.PhaseSelect] = 0
	}
	list = make([]threshold, 0, config.PhaseCount)
	for p := range config.LimitedPhases() {
		t := threshold{p, p.Name(), limits[p], took[p]}
		if p == config.WholeConversation {
			// A finding needs a phase; the one that took longest is the place to look.
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

// withSlow returns the conversations with a finding for each that took longer than it
// may. Where none did, as nearly always, it returns them as they are.
func withSlow(check *config.Probe, conversations []Conversation) []Conversation {
	cloned := false
	for i := range conversations {
		slow, found := conversations[i].tooSlow(check)
		if !found {
			continue
		}
		if !cloned {
			// Others hold the same probe: Judge changes nothing in what it is given.
			conversations, cloned = slices.Clone(conversations), true
		}
		conversations[i].Findings = append(slices.Clip(conversations[i].Findings), slow)
	}
	return conversations
}

// tooSlow returns a finding about the phase that is over its limit by the largest factor. What took
// long only because the process of the monitor was late proves nothing.
func (c *Conversation) tooSlow(check *config.Probe) (slow incident.Finding, found bool) {
	if c.Failure != nil || check.Thresholds == (config.PhaseTimes{}) {
		return slow, false
	}
	var worst threshold
	for _, t := range thresholds(check, c.Address.Timings) {
		if t.exceeded() && t.took-c.Late > t.limit && (worst.limit == 0 || t.ratio() > worst.ratio()) {
			worst = t
		}
	}
	if worst.limit == 0 {
		return slow, false
	}
	return incident.Finding{
		Condition: config.ConditionLatency, Health: incident.Degraded, Phase: worst.phase, Cause: config.CauseSlow,
		Hint: fmt.Sprintf("%s took %s, more than the %s that the thresholds allow.",
			worst.name, beyond(worst.limit, worst.took), worst.limit),
	}, true
}

// comparable reports whether a conversation in which nothing was too slow says that the
// thresholds are kept.
func (c *Conversation) comparable(check *config.Probe) bool {
	switch {
	case c.Failure != nil || c.Login == LoginUntried: // without the login that was due it was no whole conversation
		return false
	case check.Thresholds == (config.PhaseTimes{}):
		return true
	}
	for _, t := range thresholds(check, c.Address.Timings) {
		switch {
		case t.limit <= 0:
		case t.took == 0 && (t.phase == config.PhaseLogin || t.phase == config.PhaseSelect):
			return false // this probe did not log in
		case t.exceeded() && t.took-c.Late <= t.limit:
			return false // perhaps it was the monitor that was slow
		}
	}
	return true
}

func (t threshold) exceeded() bool { return t.limit > 0 && t.took > t.limit }

func (t threshold) ratio() float64 { return float64(t.took) / float64(t.limit) }

// beyond rounds a time to milliseconds, or to as many digits as show that it is
// more than the limit, and two at least.
func beyond(limit, took time.Duration) time.Duration {
	unit := time.Millisecond
	for (took.Round(unit) <= limit || took < 10*unit) && unit > 1 {
		unit /= 10
	}
	return took.Round(unit)
}
