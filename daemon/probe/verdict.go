package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// said is the address with its verdict.
func (o *outcome) said() incident.Address {
	a := o.address
	a.Health = incident.OK
	wrong := o.findings
	if o.login == loginUntried {
		wrong = append(slices.Clip(wrong), notTried())
	}
	if o.failure != nil {
		wrong = []incident.Finding{o.failure.finding()}
	}
	if f, bad := (incident.Result{Findings: wrong}).Worst(); bad {
		a.Health, a.Phase, a.Cause, a.Hint, a.Evidence = f.Health, f.Phase, f.Cause, f.Hint, f.Evidence
	}
	return a
}

// judge draws the conclusions from all conversations. Addresses that this
// machine could not reach through its own fault say nothing; one that DNS no
// longer has says nothing about the service.
func (r *round) judge(outcomes []outcome) (incident.Conditions, []incident.Finding) {
	var v votes
	for _, o := range outcomes {
		v.count(o)
	}
	switch {
	case v.refused != nil && !r.mayWorkElsewhere(outcomes):
		return r.serviceDown(v.known(), *v.refused, v.refused.failure.finding())
	case v.well+len(v.failed) == 0:
		return 0, []incident.Finding{slices.Concat(v.unknown, v.leftOut)[0].failure.finding()}
	case v.well == 0:
		return r.serviceDown(v.known(), mostCommon(v.failed), allFail(v.failed))
	}
	observed, findings := r.serviceUp(v)
	switch {
	case v.untried && !(r.check.Addresses == config.AnyAddress && v.works):
		observed &^= incident.ConditionSet(incident.Service, incident.Account)
		findings = append(findings, notTried())
	case r.neverTried(outcomes):
		observed &^= incident.ConditionSet(incident.Service, incident.Account)
		findings = append(findings, notTriedYet())
	case r.brokenElsewhere:
		observed &^= incident.ConditionSet(incident.Service)
	}
	return observed, findings
}

// notTried says that nothing is known of the login, and so nothing of the service
// as a whole.
func notTried() incident.Finding {
	return incident.Finding{
		Condition: incident.Account, Health: incident.Unknown, Phase: incident.PhaseLogin, Cause: incident.CauseLoginNotTried,
		Hint: "Login not tried, or not to its end: it had to wait for another login of the same account at this server, and there is one at a time.",
	}
}

// neverTried reports whether a check that could not log in yet has to wait because
// of what other checks of its account were told, and cannot take that as its own:
// it uses another password, or the server asked for a pause.
func (r *round) neverTried(outcomes []outcome) bool {
	waits := r.paused.IsValid()
	for _, o := range outcomes {
		if o.login.tried() || o.login == loginHeard {
			return false
		}
		waits = waits || o.login == loginPaused
	}
	if !waits {
		return false
	}
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	return r.past.logins.count == 0
}

func notTriedYet() incident.Finding {
	f := notTried()
	f.Hint = "Login not tried: the server rejected other logins of the same account or asked for a pause, and all logins of this account wait now, so that the monitor is not banned."
	return f
}

// mayWorkElsewhere reports whether the policy "any" may yet be content: an address
// is left at which the login was not tried, and did not fail the last time either.
func (r *round) mayWorkElsewhere(outcomes []outcome) bool {
	return r.check.Addresses == config.AnyAddress && slices.ContainsFunc(outcomes, func(o outcome) bool {
		return o.failure == nil && o.login == loginUntried && r.past.brokeAt(o.address.IP) == 0
	})
}

// votes are the conversations by what they say of the service.
type votes struct {
	well    int
	works   bool      // at one of them at least everything that was due was tried
	untried bool      // at one of them no login was tried that was due
	failed  []outcome // addresses that do not work
	gone    []outcome // the same, and DNS no longer has them
	unknown []outcome // this machine could not reach them
	leftOut []outcome // nor ever could
	refused *outcome  // the address works, and the login there fails for the service's own fault
	all     []outcome
}

func (v *votes) count(o outcome) {
	v.all = append(v.all, o)
	switch f := o.failure; {
	case f == nil:
		if o.goal.inDNS {
			v.well++
			v.works = v.works || o.login != loginUntried
		}
		v.untried = v.untried || o.login == loginUntried
	case o.leftOut:
		v.leftOut = append(v.leftOut, o)
	case f.health == incident.Unknown:
		v.unknown = append(v.unknown, o)
	case f.phase == incident.PhaseLogin || f.phase == incident.PhaseSelect:
		v.refused = &o
	case !o.goal.inDNS:
		v.gone = append(v.gone, o)
	default:
		v.failed = append(v.failed, o)
	}
}

// known are the conversations that were held.
func (v *votes) known() (known []outcome) {
	for _, o := range v.all {
		if o.failure == nil || o.failure.health != incident.Unknown {
			known = append(known, o)
		}
	}
	return known
}

// observedBy is what can be said when nothing but this failure is known.
func observedBy(f *failure) incident.Conditions {
	if f.health == incident.Unknown {
		return 0
	}
	return incident.ConditionSet(f.condition)
}

// serviceDown: besides the service, only what was settled before the failure is
// observed.
func (r *round) serviceDown(known []outcome, worst outcome, f incident.Finding) (incident.Conditions, []incident.Finding) {
	observed, findings := observedBy(worst.failure), []incident.Finding{f}
	for condition, settled := range settledBefore {
		if slices.ContainsFunc(known, settled) {
			observed |= incident.ConditionSet(condition)
		}
	}
	return observed, append(findings, worstByCondition(known, observed)...)
}

// settledBefore says which conditions a conversation could judge although it
// failed later.
var settledBefore = map[incident.Condition]func(outcome) bool{
	incident.Certificate: func(o outcome) bool { return o.verified },
	incident.Capability:  func(o outcome) bool { return o.capable },
}

// allFail is the service's finding when no address works: the reason that most
// of them give.
func allFail(failed []outcome) incident.Finding {
	worst := mostCommon(failed)
	f := worst.failure.finding()
	if len(failed) == 1 {
		f.Address = worst.address.IP.String()
	} else {
		f.Hint += fmt.Sprintf(" All %d addresses fail: %s.", len(failed), reasons(failed))
	}
	return f
}

// serviceUp: the service works; addresses that fail are a condition of their own.
func (r *round) serviceUp(v votes) (incident.Conditions, []incident.Finding) {
	known := v.known()
	observed := incident.ConditionSet(incident.Service)
	for condition, told := range map[incident.Condition]bool{
		incident.Addresses:   len(v.unknown) == 0 || len(v.failed)+len(v.gone) > 0,
		incident.Certificate: r.check.Security == config.Plain || slices.ContainsFunc(known, settledBefore[incident.Certificate]),
		incident.Capability:  slices.ContainsFunc(known, settledBefore[incident.Capability]),
		incident.Latency:     slices.ContainsFunc(known, func(o outcome) bool { return o.paced }),
		incident.Account:     r.check.Login == config.Login{} || r.accountObserved(known),
	} {
		if told {
			observed |= incident.ConditionSet(condition)
		}
	}
	findings := worstByCondition(known, observed)
	if failed := slices.Concat(v.failed, v.gone); len(failed) > 0 && r.check.Addresses != config.AnyAddress {
		findings = append(findings, partial(failed, len(known)))
	}
	return observed, append(findings, unknowns(known)...)
}

// accountObserved reports whether the login of this round says how the account is:
// where it works at one address and was in trouble at another when that was last
// tried, it does not.
func (r *round) accountObserved(known []outcome) bool {
	return slices.ContainsFunc(known, func(o outcome) bool {
		return o.login.bad() || o.login == loginGood && !r.badElsewhere
	})
}

// partial is the finding about addresses that fail while others work.
func partial(failed []outcome, all int) incident.Finding {
	worst := mostCommon(failed)
	return incident.Finding{
		Condition: incident.Addresses, Health: incident.Degraded,
		Phase: worst.failure.phase, Cause: incident.CauseAddressPartial,
		Hint:     fmt.Sprintf("%d of %d addresses fail: %s. %s", len(failed), all, reasons(failed), worst.failure.hint),
		Evidence: worst.failure.evidence, Address: worst.address.IP.String(),
	}
}

// worstByCondition gives for each condition the worst that any address found.
func worstByCondition(known []outcome, observed incident.Conditions) (findings []incident.Finding) {
	for condition := range observed.All() {
		var worst *incident.Finding
		for _, o := range known {
			for _, f := range o.findings {
				if f.Condition == condition && f.Health == incident.Degraded && (worst == nil || f.Grade > worst.Grade) {
					f.Address = o.address.IP.String()
					worst = &f
				}
			}
		}
		if worst != nil {
			findings = append(findings, *worst)
		}
	}
	return findings
}

// unknowns are findings that say only that nothing could be found out.
func unknowns(known []outcome) (findings []incident.Finding) {
	for _, o := range known {
		for _, f := range o.findings {
			if f.Health == incident.Unknown {
				findings = append(findings, f)
			}
		}
	}
	return findings
}

// mostCommon is the first of the failures whose reason most addresses share.
func mostCommon(failed []outcome) outcome {
	type reason struct {
		phase incident.Phase
		cause incident.Cause
	}
	counts := map[reason]int{}
	for _, o := range failed {
		counts[reason{o.failure.phase, o.failure.cause}]++
	}
	best, most := failed[0], 0
	for _, o := range failed {
		if n := counts[reason{o.failure.phase, o.failure.cause}]; n > most {
			best, most = o, n
		}
	}
	return best
}

// reasons names a few addresses with what is wrong with each.
func reasons(failed []outcome) string {
	const few = 4
	var parts []string
	for _, o := range failed[:min(few, len(failed))] {
		parts = append(parts, fmt.Sprintf("%s %s/%s", o.address.IP, o.failure.phase, o.failure.cause))
	}
	if more := len(failed) - few; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}
