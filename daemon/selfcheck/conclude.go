package selfcheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func every(incident.Address) bool { return true }

// conclude draws the consequences of the verdicts.
func conclude(r incident.Result, doubts []doubt) incident.Result {
	for _, d := range doubts {
		switch {
		case d.verdict != atFault && d.verdict != back, r.Observed == 0:
		case d.concerns == nil:
			r = nothing(r, every, d.finding())
		default:
			r = withdraw(r, d)
		}
	}
	for _, d := range doubts {
		if d.verdict == alone {
			r = remark(r, d)
		}
	}
	return r
}

// finding is the fault of this machine.
func (d doubt) finding() incident.Finding {
	f := incident.Finding{
		Condition: config.ConditionMonitor, Health: incident.Unknown, Phase: config.PhaseTLS, Cause: config.CauseLocalFault, Hint: d.hint,
	}
	if d.link == nil {
		return f
	}
	f.Phase, f.Cause, f.Hint = d.link.phase, d.link.cause, d.link.accusation()
	if d.verdict == back {
		f.Hint = "The probe began while this machine was at fault, and ended after that; what it found is not believed."
	}
	return f
}

// accusation is how people read of the fault.
func (l *link) accusation() string {
	if l.cause == config.CauseResolverDown {
		return "No name can be looked up any more: the resolver of this machine seems to be at fault, or the way to it."
	}
	return "Nothing answers over " + l.name + " any more, as far as this machine can see: its own network seems to be at fault."
}

const (
	noPeer  = " There is nothing to compare with, so this machine itself could not be ruled out; a self_check target would tell."
	noClock = " The clock of this machine could not be ruled out."
)

// remark adds to what was found in doubt that this machine could not be ruled
// out.
func remark(r incident.Result, d doubt) incident.Result {
	text := noPeer
	if d.link == nil {
		text = noClock
	}
	r.Findings = slices.Clone(r.Findings)
	for i, f := range r.Findings {
		if f.Health != incident.Unknown && d.brought(f) && !strings.HasSuffix(f.Hint, text) {
			r.Findings[i].Hint += text
		}
	}
	return r
}

// nothing is a result that says nothing but why.
func nothing(r incident.Result, concerns func(incident.Address) bool, why incident.Finding) incident.Result {
	why.Condition, why.Health = config.ConditionMonitor, incident.Unknown
	r.Observed, r.Findings = 0, []incident.Finding{why}
	r.Addresses = silenced(r.Addresses, concerns, why)
	return r
}

// silenced are the addresses, those that are concerned as unknown.
func silenced(list []incident.Address, concerns func(incident.Address) bool, why incident.Finding) []incident.Address {
	list = slices.Clone(list)
	for i, a := range list {
		if concerns(a) {
			list[i].Health, list[i].Phase, list[i].Cause, list[i].Hint = incident.Unknown, why.Phase, why.Cause, why.Hint
		}
	}
	return list
}

// withdraw takes what some addresses said out of a result: it is judged by the
// others. Without others it says nothing.
func withdraw(r incident.Result, d doubt) incident.Result {
	why, before := d.finding(), len(failing(r.Addresses))
	r.Addresses = silenced(r.Addresses, func(a incident.Address) bool {
		return a.Health == incident.Down && d.concerns(a)
	}, why)
	left := failing(r.Addresses)
	kept := make([]incident.Finding, 0, len(r.Findings)+1)
	for _, f := range r.Findings {
		switch {
		case f.Condition == config.ConditionService && f.Health == incident.Down && d.brought(f):
			if len(left) == 0 {
				return nothing(r, func(incident.Address) bool { return false }, why)
			}
			kept = append(kept, service(f, left))
		case len(left) == before && f.Condition == config.ConditionAddresses:
			kept = append(kept, f)
		case f.Condition == config.ConditionAddresses && len(left) == 0:
			r.Observed &^= config.ConditionSet(config.ConditionAddresses)
		case f.Condition == config.ConditionAddresses:
			kept = append(kept, partial(f, left, known(r.Addresses)))
		case f.Cause == config.CauseCertExpiresSoon && d.link == nil:
			r.Observed &^= config.ConditionSet(config.ConditionCertificate)
		default:
			kept = append(kept, f)
		}
	}
	kept = append(kept, why)
	r.Findings = kept
	return r
}

// brought reports whether the doubt can have brought a finding about.
func (d doubt) brought(f incident.Finding) bool {
	if d.link == nil {
		return f.Cause == config.CauseCertExpired || f.Cause == config.CauseCertNotYetValid
	}
	return f.Phase == d.link.phase
}

func failing(list []incident.Address) (left []incident.Address) {
	for _, a := range list {
		if a.Health == incident.Down {
			left = append(left, a)
		}
	}
	return left
}

func known(list []incident.Address) (n int) {
	for _, a := range list {
		if a.Health != incident.Unknown {
			n++
		}
	}
	return n
}

// service is the finding of the service as the addresses left over have it.
func service(f incident.Finding, left []incident.Address) incident.Finding {
	a := left[0]
	f.Phase, f.Cause, f.Hint, f.Evidence, f.Address = a.Phase, a.Cause, a.Hint, a.Evidence, ""
	if len(left) == 1 {
		f.Address = a.IP.String()
		return f
	}
	f.Hint += fmt.Sprintf(" All %d addresses that this machine could judge fail: %s.", len(left), reasons(left))
	return f
}

// partial is the finding of the addresses as those left over have it.
func partial(f incident.Finding, left []incident.Address, all int) incident.Finding {
	a := left[0]
	f.Phase, f.Evidence, f.Address = a.Phase, a.Evidence, a.IP.String()
	f.Hint = fmt.Sprintf("%d of %d addresses fail: %s. %s", len(left), all, reasons(left), a.Hint)
	return f
}

func reasons(list []incident.Address) string {
	const few = 4
	var parts []string
	for _, a := range list[:min(few, len(list))] {
		parts = append(parts, fmt.Sprintf("%s %s/%s", a.IP, a.Phase, a.Cause))
	}
	if more := len(list) - few; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}
