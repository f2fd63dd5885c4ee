package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// sumUp makes one result of all conversations, or of the failure that kept them
// from beginning.
func (r *round) sumUp(outcomes []outcome, failed *failure) incident.Result {
	result := incident.Result{Check: r.id, Started: r.started, Target: r.hostPort()}
	defer func() { result.Ended = time.Now() }()
	for i := range outcomes {
		result.Addresses = append(result.Addresses, outcomes[i].said())
		result.Notes = append(result.Notes, outcomes[i].notes...)
	}
	if failed == nil {
		result.Observed, result.Findings = judge(outcomes)
	} else {
		result.Observed, result.Findings = observedBy(failed), []incident.Finding{failed.finding()}
	}
	result.Ended = time.Now()
	return result
}

// said is the address with its verdict.
func (o *outcome) said() incident.Address {
	a := o.address
	a.Health = incident.OK
	worst := slices.Clone(o.findings)
	if o.failure != nil {
		worst = []incident.Finding{o.failure.finding()}
	}
	if f, bad := (incident.Result{Findings: worst}).Worst(); bad {
		a.Health, a.Phase, a.Cause, a.Hint, a.Evidence = f.Health, f.Phase, f.Cause, f.Hint, f.Evidence
	}
	return a
}

// judge draws the conclusions. Addresses that this machine could not reach
// through its own fault say nothing.
func judge(outcomes []outcome) (incident.Conditions, []incident.Finding) {
	var failed, unknown, well []outcome
	for _, o := range outcomes {
		switch {
		case o.failure == nil:
			well = append(well, o)
		case o.failure.health == incident.Unknown:
			unknown = append(unknown, o)
		default:
			failed = append(failed, o)
		}
	}
	switch {
	case len(failed)+len(well) == 0 && len(unknown) > 0:
		return 0, []incident.Finding{unknown[0].failure.finding()}
	case len(well) == 0:
		return allFailed(failed)
	}
	return someWell(well, failed)
}

// observedBy is what can be said when nothing but this failure is known.
func observedBy(f *failure) incident.Conditions {
	if f.health == incident.Unknown {
		return 0
	}
	return incident.ConditionSet(f.condition)
}

// allFailed: the service is down, for the reason that most addresses give.
func allFailed(failed []outcome) (incident.Conditions, []incident.Finding) {
	worst := mostCommon(failed)
	f := worst.failure.finding()
	if len(failed) == 1 {
		f.Address = worst.address.IP.String()
	} else {
		f.Hint += fmt.Sprintf(" All %d addresses fail: %s.", len(failed), reasons(failed))
	}
	return observedBy(worst.failure), []incident.Finding{f}
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

// someWell: the service works; addresses that fail are a condition of their own.
func someWell(well, failed []outcome) (incident.Conditions, []incident.Finding) {
	observed := incident.ConditionSet(incident.Service, incident.Addresses, incident.Certificate, incident.Latency, incident.Capability, incident.Account)
	if len(failed) == 0 {
		return observed, nil
	}
	worst := mostCommon(failed)
	return observed, []incident.Finding{{
		Condition: incident.Addresses, Health: incident.Degraded,
		Phase: worst.failure.phase, Cause: incident.CauseAddressPartial,
		Hint:     fmt.Sprintf("%d of %d addresses fail: %s. %s", len(failed), len(failed)+len(well), reasons(failed), worst.failure.hint),
		Evidence: worst.failure.evidence, Address: worst.address.IP.String(),
	}}
}
