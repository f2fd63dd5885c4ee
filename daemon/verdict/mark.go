package verdict

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Mark says why something that a conversation found is not believed: this machine
// may have brought it about itself.
type Mark struct {
	Phase config.Phase // that the fault of this machine shows in; may be empty
	Cause config.Cause
	Hint  string
	// Dates: only what it found of the dates of a certificate is not believed.
	Dates bool
}

// A Doubt is something of this machine that may be the reason of a failure, and that
// nothing speaks for or against.
type Doubt uint8

// The doubts.
const (
	NoDoubt         Doubt = iota
	NothingElse           // nothing else was there to be compared with
	UncertainOfTime       // the clock may be wrong
)

// Known reports whether the conversation was held and is believed.
func (c *Conversation) Known() bool {
	return !c.disbelieved() && (c.Failure == nil || c.Failure.Health != incident.Unknown)
}

// disbelieved reports whether a mark takes away all that the conversation found. A
// mark about dates does where dates are what ended it.
func (c *Conversation) disbelieved() bool {
	return c.Unknown != nil && (!c.Unknown.Dates || c.Failure != nil && AboutDates(c.Failure.Cause))
}

// believes reports whether a finding of a conversation that is known counts.
func (c *Conversation) believes(cause config.Cause) bool {
	return c.Unknown == nil || !AboutDates(cause)
}

// AboutDates reports whether a cause comes of comparing the dates of a certificate
// with the clock.
func AboutDates(cause config.Cause) bool {
	return cause == config.CauseCertExpired || cause == config.CauseCertNotYetValid || cause == config.CauseCertExpiresSoon
}

// Finding returns how a result tells why something is not believed.
func (m Mark) Finding() incident.Finding {
	return incident.Finding{
		Condition: config.ConditionMonitor, Health: incident.Unknown, Phase: m.Phase, Cause: m.Cause, Hint: m.Hint,
	}
}

// WhyUnknown returns why a conversation is not known; unknown is false where it is.
func (c *Conversation) WhyUnknown() (f incident.Finding, unknown bool) {
	switch {
	case c.Known():
		return f, false
	case c.disbelieved():
		return c.Unknown.Finding(), true
	}
	return *c.Failure, true
}

// UnlessWell returns a probe as it is if nothing is wrong with the check, else with a mark on all
// that it found.
func UnlessWell(check *config.Probe, p Probe, why Mark) (_ Probe, marked bool) {
	if Judge(check, &p).Health() == incident.OK {
		return p, false
	}
	// The caller's probe stays as it is.
	p.Conversations = slices.Clone(p.Conversations)
	for i := range p.Conversations {
		p.Conversations[i].Unknown = &why
	}
	return p, true
}
