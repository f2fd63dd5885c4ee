package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// allFailFinding returns the finding of a service that works at no address.
func (v *votes) allFailFinding() incident.Finding {
	f := *mostFrequent(v.failed).Failure
	switch only := v.failed[0].Address.IP; {
	case len(v.failed) > 1 && len(v.unknown) > 0:
		f.Hint += fmt.Sprintf(" All %d addresses that could be checked fail: %s.",
			len(v.failed), listReasons(v.failed))
	case len(v.failed) > 1:
		f.Hint += fmt.Sprintf(" All %d addresses fail: %s.", len(v.failed), listReasons(v.failed))
	case only.IsValid(): // else the name could not be looked up
		f.Address = only.String()
	}
	return f
}

// someFailFinding returns the finding about addresses that fail while others work.
func (v *votes) someFailFinding(failed []*Conversation) incident.Finding {
	worst := mostFrequent(failed)
	return incident.Finding{
		Condition: config.ConditionAddresses, Health: incident.Degraded,
		Phase: worst.Failure.Phase, Cause: config.CauseAddressPartial,
		Hint: fmt.Sprintf("%d of %d addresses fail: %s. %s", len(failed), v.countKnown(), listReasons(failed), worst.Failure.Hint) +
			doubtHint(failed, worst.Failure.Phase),
		Evidence: worst.Failure.Evidence, Address: worst.Address.IP.String(),
	}
}

// mostFrequent returns the first of the failures whose reason most addresses share.
func mostFrequent(failed []*Conversation) *Conversation {
	best, most := failed[0], 0 // a name has 64 addresses at most, so that counting anew costs nothing
	for _, c := range failed {
		alike := 0
		for _, other := range failed {
			if other.Failure.Phase == c.Failure.Phase && other.Failure.Cause == c.Failure.Cause {
				alike++
			}
		}
		if alike > most {
			best, most = c, alike
		}
	}
	return best
}

// listReasons returns a few addresses with what is wrong with each.
func listReasons(failed []*Conversation) string {
	const few = 4
	var parts []string
	for _, c := range failed[:min(few, len(failed))] {
		parts = append(parts, fmt.Sprintf("%s %s/%s", c.Address.IP, c.Failure.Phase, c.Failure.Cause))
	}
	if more := len(failed) - few; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// silentRecordHint returns a remark, for a service that is down, that it was not tried at the
// addresses of a record without an answer: there the service may be well.
func silentRecordHint(record string) string {
	families := map[string]string{"A": "IPv4", "AAAA": "IPv6"}
	if record == "" {
		return ""
	}
	return fmt.Sprintf(" Its %s addresses, if it has any, were not tried: DNS does not answer for the %s record.",
		families[record], record)
}

// doubtHint returns what of this machine may be the reason of a failure, where that could not be
// ruled out for a conversation that failed in the phase that is named.
func doubtHint(failed []*Conversation, named config.Phase) (hint string) {
	for _, doubt := range []Doubt{NothingElse, UncertainOfTime} {
		for _, c := range failed {
			if c.Doubt == doubt && c.Failure.Phase == named {
				hint += doubtHints[doubt]
				break
			}
		}
	}
	return hint
}

var doubtHints = map[Doubt]string{
	NothingElse: " Nothing else was reachable for comparison, so this machine itself may be the cause; " +
		"a self_check target would show that.",
	UncertainOfTime: " The clock of this machine may be wrong.",
}

// loginNotTried returns the finding that nothing is known of the login, and so nothing of the
// service as a whole.
func loginNotTried() incident.Finding {
	return incident.Finding{
		Condition: config.ConditionAccount, Health: incident.Unknown,
		Phase: config.PhaseLogin, Cause: config.CauseLoginNotTried,
		Hint: "The login was not tried, or did not finish: it waited for another login of the same account at this server; " +
			"only one runs at a time.",
	}
}

// loginNotTriedYet returns the same finding for a check that never could log in so far.
func loginNotTriedYet() incident.Finding {
	f := loginNotTried()
	f.Hint = "The login was not tried: the server rejected other logins of the same account or asked for a pause, " +
		"and all logins of this account wait now, so that imapvigil is not banned."
	return f
}

// explainMarks adds to findings why something that was found is not believed. What this
// machine could not try says so itself, at its address.
func (p *Probe) explainMarks(findings []incident.Finding) []incident.Finding {
	var told []Mark
	for i := range p.Conversations {
		c := &p.Conversations[i]
		// One fault of this machine spoils many conversations; it is said once.
		if c.Unknown == nil || c.LeftOut || slices.Contains(told, *c.Unknown) {
			continue
		}
		told = append(told, *c.Unknown)
		findings = append(findings, c.Unknown.Finding())
	}
	return findings
}
