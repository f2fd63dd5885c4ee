package agree

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// pathConditions are what a bad path can fake, so that several nodes have to agree, the gravest
// first. Of all others one node is enough: a certificate is the same from everywhere.
var pathConditions = [...]config.Condition{config.ConditionService, config.ConditionAddresses, config.ConditionLatency}

// A Sight is the newest result of a node about a check.
type Sight struct {
	Node   string
	Result incident.Result
	// Settings identifies the settings of the check with which the node probed.
	Settings uint64
	// Changed is when the probe began with which the node last changed its mind about any of
	// pathConditions.
	Changed time.Time

	since [len(pathConditions)]time.Time // when the present failures began; zero: it is well
}

// fails reports whether the node sees a condition fail: by its place in pathConditions. A
// node that sees the service fail cannot see milder things, which fail with it.
func (s *Sight) fails(condition int) (since time.Time, fails bool) {
	for i := 0; i <= condition; i++ {
		if !s.since[i].IsZero() {
			return s.since[i], true
		}
	}
	return time.Time{}, false
}

// finding returns the worst finding of the node about a condition, or about one that stands for it.
func (s *Sight) finding(condition int) (worst incident.Finding, found bool) {
	for i := 0; i <= condition; i++ {
		for _, f := range s.Result.Findings {
			if f.Condition == pathConditions[i] {
				return f, true
			}
		}
	}
	return worst, false
}

// judged reports whether the node could judge the service at all: its own network, resolver
// or clock may be at fault.
func (s *Sight) judged() bool { return s.Result.Observed.Has(config.ConditionService) }

// A Memory is what a node remembers of a check, to say since when it fails.
type Memory struct{ last Sight }

// See returns the sight that follows from the next result of the node.
func (m *Memory) See(node string, r incident.Result, settings uint64) Sight {
	s := Sight{Node: node, Result: r, Settings: settings, Changed: m.last.Changed, since: m.last.since}
	for i, c := range pathConditions {
		if !r.Observed.Has(c) {
			continue // it stays as it is
		}
		had := s.since[i]
		failing := failsIn(r, c)
		switch {
		case failing && had.IsZero():
			s.since[i] = r.Started
		case !failing:
			s.since[i] = time.Time{}
		}
		if failing == had.IsZero() {
			s.Changed = r.Started
		}
	}
	if s.Changed.IsZero() {
		s.Changed = r.Started
	}
	m.last = s
	return s
}

// failsIn reports whether a result has a finding about a condition that is a failure.
func failsIn(r incident.Result, c config.Condition) bool {
	for _, f := range r.Findings {
		if f.Condition == c && f.Health != incident.Unknown {
			return true
		}
	}
	return false
}
