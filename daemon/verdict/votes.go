package verdict

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// votes are the conversations by what they say of the service.
type votes struct {
	conversations []Conversation

	well    int
	works   bool            // at one of them at least everything that was due was tried
	untried bool            // at one of them a login was due and not tried
	failed  []*Conversation // the address does not work
	gone    []*Conversation // the same, and DNS no longer has it
	refused []*Conversation // the address works, and the login there fails for the service's own fault
	unknown []*Conversation // this machine could not hold it, or does not believe it
	leftOut []*Conversation // nor ever could
}

// countVotes counts every conversation as what it says of the service.
func countVotes(conversations []Conversation) *votes {
	v := &votes{conversations: conversations}
	for i := range conversations {
		v.countConversation(&conversations[i])
	}
	return v
}

func (v *votes) countConversation(c *Conversation) {
	switch f := c.Failure; {
	case c.LeftOut:
		v.leftOut = append(v.leftOut, c)
	case !c.Known():
		v.unknown = append(v.unknown, c)
	case f == nil:
		if c.InDNS {
			v.well++
			v.works = v.works || c.Login != LoginUntried
		}
		v.untried = v.untried || c.Login == LoginUntried
	// Asked before InDNS: a login that fails counts, wherever it ran.
	case atLogin(f.Phase):
		v.refused = append(v.refused, c)
	case !c.InDNS && c.Address.IP.IsValid():
		v.gone = append(v.gone, c)
	default:
		v.failed = append(v.failed, c)
	}
}

// atLogin reports whether an address has proved by the phase that it works.
func atLogin(phase config.Phase) bool {
	return phase == config.PhaseLogin || phase == config.PhaseSelect
}

// whyNothingIsKnown returns the finding of a probe that says nothing about the service: the reason.
func (v *votes) whyNothingIsKnown() incident.Finding {
	// A family without a route is a reason only where there is no other.
	for _, c := range slices.Concat(v.unknown, v.leftOut) {
		why, _ := c.WhyUnknown()
		return why
	}
	return incident.Finding{
		Condition: config.ConditionMonitor, Health: incident.Unknown, Cause: config.CauseLocalFault,
		Hint: "None of the addresses in DNS could be checked.",
	}
}
