package selfcheck

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// markAll puts the marks on a probe that follow from the doubts.
func markAll(p verdict.Probe, doubts []doubt) verdict.Probe {
	marked := false
	for _, d := range doubts {
		if d.verdict == innocent {
			continue
		}
		if !marked {
			p.Conversations, marked = slices.Clone(p.Conversations), true // others may hold what was given
		}
		for _, i := range d.concerns {
			d.mark(&p.Conversations[i])
		}
	}
	return p
}

func (d doubt) mark(c *verdict.Conversation) {
	switch {
	case d.verdict == atFault || d.verdict == back:
		fault := d.fault()
		c.Unknown = &fault
	case d.link == nil:
		c.Doubt = verdict.UncertainOfTime
	default:
		c.Doubt = verdict.NothingElse
	}
}

// fault is what is wrong with this machine.
func (d doubt) fault() verdict.Mark {
	switch {
	case d.link == nil:
		return verdict.Mark{Phase: config.PhaseTLS, Cause: config.CauseLocalFault, Hint: d.hint, Dates: true}
	case d.verdict == back:
		return verdict.Mark{
			Phase: d.link.phase, Cause: d.link.cause,
			Hint: "The probe began while this machine was at fault, and ended after that; what it found is not believed.",
		}
	}
	return verdict.Mark{Phase: d.link.phase, Cause: d.link.cause, Hint: d.link.accusation()}
}

// finding is the fault as the monitor tells it of itself.
func (d doubt) finding() incident.Finding {
	fault := d.fault()
	return incident.Finding{Condition: config.ConditionMonitor, Health: incident.Unknown, Phase: fault.Phase, Cause: fault.Cause, Hint: fault.Hint}
}

// accusation is how people read of the fault.
func (l *link) accusation() string {
	if l.cause == config.CauseResolverDown {
		return "No name can be looked up any more: the resolver of this machine seems to be at fault, or the way to it."
	}
	return "Nothing answers over " + l.name + " any more, as far as this machine can see: its own network seems to be at fault."
}
