package selfcheck

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// markSuspected returns the probe with a mark on every conversation that this machine
// has spoiled, or may have. The probe that was given is not changed: others hold it.
func markSuspected(p verdict.Probe, suspicions []suspicion) verdict.Probe {
	cloned := false
	for i := range suspicions {
		suspected := &suspicions[i]
		if suspected.concluded == ruledOut {
			continue
		}
		if !cloned {
			p.Conversations, cloned = slices.Clone(p.Conversations), true
		}
		for _, at := range suspected.conversations {
			suspected.mark(&p.Conversations[at])
		}
	}
	return p
}

func (s *suspicion) mark(c *verdict.Conversation) {
	switch {
	case s.concluded != notRuledOut:
		fault := s.fault()
		c.Unknown = &fault
	case s.link == nil:
		c.Doubt = verdict.UncertainOfTime
	default:
		c.Doubt = verdict.NothingElse
	}
}

// fault returns a mark that says what is wrong with this machine.
func (s *suspicion) fault() verdict.Mark {
	if s.link == nil {
		return verdict.Mark{Phase: config.PhaseTLS, Cause: config.CauseLocalFault, Hint: s.clockHint, Dates: true}
	}
	hint := s.link.faultHint()
	if s.concluded == linkWasDown {
		hint = "The probe began while this machine had a fault; the result was discarded."
	}
	return verdict.Mark{Phase: s.link.phase, Cause: s.link.cause, Hint: hint}
}

// faultHint returns a hint, for people, that the link is down.
func (l *link) faultHint() string {
	if l.cause == config.CauseResolverDown {
		return "No name can be looked up any more: the resolver of this machine, or the network to it, seems to fail."
	}
	return "Nothing answers over " + l.name + " any more, as far as this machine can see: " +
		"its own network seems to be at fault."
}
