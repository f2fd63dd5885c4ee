package probe

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A threshold is how long a phase may take; Total stands for all of them.
type threshold struct {
	phase incident.Phase
	name  string
	limit time.Duration
	took  time.Duration
}

func thresholds(check config.Probe, took incident.Timings) []threshold {
	limits := check.Thresholds
	if check.Login == (config.Login{}) {
		limits.Login = 0
	}
	if check.Login.Mailbox == "" {
		limits.Select = 0
	}
	return []threshold{
		{incident.PhaseDNS, "The DNS lookup", limits.DNS, took.DNS},
		{incident.PhaseConnect, "Connecting", limits.Connect, took.Connect},
		{incident.PhaseTLS, "The TLS handshake", limits.TLS, took.TLS},
		{incident.PhaseGreeting, "The greeting", limits.Greeting, took.Greeting},
		{incident.PhaseLogin, "The login", limits.Login, took.Login},
		{incident.PhaseSelect, "Opening the mailbox", limits.Select, took.Select},
		{longest(took), "The whole conversation", limits.Total, took.Total},
	}
}

// longest is the phase that took most of the time.
func longest(took incident.Timings) (phase incident.Phase) {
	var most time.Duration
	for _, p := range []incident.Phase{
		incident.PhaseDNS, incident.PhaseConnect, incident.PhaseTLS, incident.PhaseGreeting, incident.PhaseCapability,
		incident.PhaseStartTLS, incident.PhaseLogin, incident.PhaseSelect, incident.PhaseLogout,
	} {
		if d := *timing(&took, p); d > most {
			phase, most = p, d
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
	c.outcome.paced = c.outcome.login != verdict.LoginUntried // without the login that was due it was no whole conversation
	var worst threshold
	for _, t := range thresholds(c.check, c.outcome.address.Timings) {
		if t.limit <= 0 {
			continue
		}
		if t.took == 0 && (t.phase == incident.PhaseLogin || t.phase == incident.PhaseSelect) {
			c.outcome.paced = false // this probe did not log in: it cannot tell
		}
		if t.took > t.limit && t.took-late <= t.limit {
			c.outcome.paced = false // it cannot tell
			continue
		}
		if t.took > t.limit && (worst.limit == 0 || ratio(t) > ratio(worst)) {
			worst = t
		}
	}
	if worst.limit == 0 {
		return
	}
	c.outcome.paced = true
	c.found(incident.Finding{
		Condition: incident.Latency, Health: incident.Degraded, Phase: worst.phase, Cause: incident.CauseSlow,
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
