// Package verdict says what is wrong with a service: [Judge] makes one
// [incident.Result] of the conversations of a [Probe]. It is the only place that
// decides which conditions were observed, and what their findings say (health,
// phase, cause, hint).
//
// daemon/probe holds the conversations and knows phases and causes, daemon/selfcheck
// marks those that this machine itself may have spoiled; neither judges. Whether
// what is wrong is an incident is decided by daemon/incident.
//
// The package is pure: it sees no file, no network and no clock, keeps nothing, and
// changes nothing in what it is given. A caller may rely on this:
//
//   - A conversation that is marked unknown counts as if it had not been held. What
//     this machine could not try, or does not believe, makes no check worse and
//     hides nothing that the other conversations found.
//   - Which conditions are observed, and which of them fail how badly, does not
//     depend on the order of the conversations. Which failure is named does only
//     where several are equally frequent: then it is the first.
package verdict

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Judge returns what follows from a probe of a check. Of the check's settings only Security,
// Addresses, Login and Thresholds count.
func Judge(check *config.Probe, p *Probe) incident.Result {
	measured := *p
	measured.Conversations = withSlow(check, p.Conversations)
	return judge(check, &measured)
}

// judge judges a probe whose slow conversations are among the findings already.
func judge(check *config.Probe, p *Probe) incident.Result {
	result := incident.Result{
		Check: p.Check, Started: p.Started, Ended: p.Ended, Target: p.Target,
		Notes:     slices.Clip(p.Notes), // so that what is appended lands in no array of the probe's
		Addresses: judgeAddresses(p.Conversations),
	}
	for i := range p.Conversations {
		if !p.Conversations[i].LeftOut {
			result.Notes = append(result.Notes, p.Conversations[i].Notes...)
		}
	}
	result.Observed, result.Findings = judgeService(check, p)
	return result
}

// judgeService draws the conclusions from all conversations together. An address
// that DNS no longer has says nothing about the service while it is well.
func judgeService(check *config.Probe, p *Probe) (config.Conditions, []incident.Finding) {
	v := countVotes(p.Conversations)
	switch {
	case len(v.refused) > 0 && !mayWorkElsewhere(check, p.Conversations):
		// The login runs at one address a probe, so it counts whatever the others say.
		return v.serviceDown(p, *mostFrequent(v.refused).Failure, v.refused)
	case v.well+len(v.failed) == 0:
		return 0, []incident.Finding{v.whyNothingIsKnown()}
	case v.well == 0:
		return v.serviceDown(p, v.allFailFinding(), v.failed)
	}
	observed, findings := v.serviceUp(check, p.Logins)
	switch {
	case v.untried && !(check.Addresses == config.AnyAddress && v.works):
		observed &^= config.ConditionSet(config.ConditionService, config.ConditionAccount)
		findings = append(findings, loginNotTried())
	case p.loginStillToCome():
		observed &^= config.ConditionSet(config.ConditionService, config.ConditionAccount)
		findings = append(findings, loginNotTriedYet())
	case p.Logins.BrokenElsewhere:
		// This address is well, and that one is tried again when it is its turn.
		observed &^= config.ConditionSet(config.ConditionService)
	}
	return observed, p.explainMarks(findings)
}

// mayWorkElsewhere reports whether the policy "any" may yet be content: an address
// is left at which the login was not tried, and did not fail the last time either.
func mayWorkElsewhere(check *config.Probe, conversations []Conversation) bool {
	if check.Addresses != config.AnyAddress {
		return false
	}
	for i := range conversations {
		c := &conversations[i]
		if c.Known() && c.Failure == nil && c.Login == LoginUntried && !c.BrokenBefore {
			return true
		}
	}
	return false
}

// loginStillToCome reports whether a check that could not log in yet has to wait
// because of what other checks of its account were told, and cannot take that as
// its own: it uses another password, or the server asked for a pause.
func (p *Probe) loginStillToCome() bool {
	waits := p.Logins.Paused
	for i := range p.Conversations {
		switch c := &p.Conversations[i]; {
		case !c.Known():
		case c.Login.Tried() || c.Login == LoginHeard:
			return false
		case c.Login == LoginPaused:
			waits = true
		}
	}
	return waits && p.Logins.NeverTried
}
