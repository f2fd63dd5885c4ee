package verdict

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// serviceDown judges a service that works nowhere. Besides the service, only what was
// settled before the failure is observed.
func (v *votes) serviceDown(
	p *Probe, f incident.Finding, failed []*Conversation,
) (config.Conditions, []incident.Finding) {
	f.Hint += silentRecordHint(p.SilentRecord) + doubtHint(failed, f.Phase)
	observed, findings := v.findingsOf(v.settled())
	return observed | config.ConditionSet(f.Condition), p.explainMarks(append([]incident.Finding{f}, findings...))
}

// settled returns the conditions that a conversation could observe although it may have
// failed later.
func (v *votes) settled() (settled config.Conditions) {
	for i := range v.conversations {
		c := &v.conversations[i]
		if c.Known() && c.Verified {
			settled |= config.ConditionSet(config.ConditionCertificate)
		}
		if c.Known() && c.Capable {
			settled |= config.ConditionSet(config.ConditionCapability)
		}
	}
	return settled
}

// serviceUp judges a service that works somewhere. Addresses that fail are a condition
// of their own.
func (v *votes) serviceUp(check *config.Probe, logins Logins) (config.Conditions, []incident.Finding) {
	observed := config.ConditionSet(config.ConditionService) | v.settled()
	// Where one is unknown, the others can say that addresses fail, but not that all work.
	if len(v.unknown) == 0 || len(v.failed)+len(v.gone) > 0 {
		observed |= config.ConditionSet(config.ConditionAddresses)
	}
	if check.Security == config.Plain {
		observed |= config.ConditionSet(config.ConditionCertificate) // there is none that could be wrong
	}
	if v.anyKnown(func(c *Conversation) bool { return c.comparable(check) || c.hasFinding(config.ConditionLatency) }) {
		observed |= config.ConditionSet(config.ConditionLatency)
	}
	if check.Login == (config.Login{}) || v.accountObserved(logins) {
		observed |= config.ConditionSet(config.ConditionAccount)
	}
	observed, findings := v.findingsOf(observed)
	if failed := v.failingAddresses(); len(failed) > 0 && check.Addresses != config.AnyAddress {
		findings = append(findings, v.someFailFinding(failed))
	}
	return observed, append(findings, v.unknownFindings()...)
}

// failingAddresses returns the conversations with addresses that do not work, first those that DNS
// has now.
func (v *votes) failingAddresses() []*Conversation {
	// With its capacity cut, so that append does not write into v.failed.
	return append(v.failed[:len(v.failed):len(v.failed)], v.gone...)
}

// accountObserved reports whether the login of this probe says how the account is:
// where it works at one address and was in trouble at another when that was last
// tried, it does not.
func (v *votes) accountObserved(logins Logins) bool {
	return v.anyKnown(func(c *Conversation) bool {
		return c.Login.Bad() || c.Login == LoginGood && !logins.BadElsewhere
	})
}

// anyKnown reports whether something is so of a conversation that is known.
func (v *votes) anyKnown(is func(*Conversation) bool) bool {
	for i := range v.conversations {
		if c := &v.conversations[i]; c.Known() && is(c) {
			return true
		}
	}
	return false
}

func (c *Conversation) hasFinding(condition config.Condition) bool {
	return slices.ContainsFunc(c.Findings, func(f incident.Finding) bool { return f.Condition == condition })
}

// countKnown counts the conversations that were held and are believed.
func (v *votes) countKnown() (n int) {
	for i := range v.conversations {
		if v.conversations[i].Known() {
			n++
		}
	}
	return n
}

// findingsOf returns for each observed condition the worst that any address found. A condition of
// which there is only what is not believed is not observed.
func (v *votes) findingsOf(observed config.Conditions) (config.Conditions, []incident.Finding) {
	var findings []incident.Finding
	for condition := range observed.All() {
		worst, withdrawn := v.worstOf(condition)
		switch {
		case worst.Condition == condition:
			findings = append(findings, worst)
		case withdrawn:
			// Well would be as wrong as failing: the only word on it is in doubt.
			observed &^= config.ConditionSet(condition)
		}
	}
	return observed, findings
}

// worstOf returns the worst finding about a condition, the first of those that are equally bad, and
// whether there is one that is not believed.
func (v *votes) worstOf(condition config.Condition) (worst incident.Finding, withdrawn bool) {
	for i := range v.conversations {
		c := &v.conversations[i]
		if !c.Known() {
			continue
		}
		for _, f := range c.Findings {
			switch {
			// What could not be found out is no fault; see unknownFindings.
			case f.Condition != condition || f.Health != incident.Degraded:
			case !c.believes(f.Cause):
				withdrawn = true
			case worst.Condition == "" || f.Grade > worst.Grade:
				worst = f
				worst.Address = c.Address.IP.String()
			}
		}
	}
	return worst, withdrawn
}

// unknownFindings returns the findings which say only that nothing could be found out.
func (v *votes) unknownFindings() (findings []incident.Finding) {
	for i := range v.conversations {
		c := &v.conversations[i]
		if !c.Known() {
			continue
		}
		for _, f := range c.Findings {
			if f.Health == incident.Unknown {
				findings = append(findings, f)
			}
		}
	}
	return findings
}
