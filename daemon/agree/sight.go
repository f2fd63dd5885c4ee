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
	// Changed is when the probe began with which the node last changed its mind about the service; zero:
	// not known, and not with this result.
	Changed time.Time
	// Took is how long its longest conversation took that came to an end; 0: not known.
	Took time.Duration

	since beginnings
	fresh bool // nothing was decided on it yet
	// Of one that travelled, the conversations of Result share their memory with others, and have neither a
	// node nor timings; these are here, if they are known.
	travelled bool
	timings   []config.PhaseTimes
}

// beginnings are since when a node sees each of pathConditions fail; zero: it is well.
type beginnings [len(pathConditions)]time.Time

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

// failsAt reports whether fails does.
func (s *Sight) failsAt(condition int) bool {
	_, fails := s.fails(condition)
	return fails
}

// finding returns the worst finding of the node about a condition, or about one that stands for it.
func (s *Sight) finding(condition int) (worst incident.Finding, found bool) {
	for i := 0; i <= condition; i++ {
		if f, found := findingOf(s.Result, pathConditions[i]); found {
			return f, true
		}
	}
	return worst, false
}

// shownSince returns since when the node sees the gravest failure of pathConditions. It is zero where none of them
// fails, also if a certificate or the like does.
func (s *Sight) shownSince() time.Time {
	if !s.judged() {
		return time.Time{}
	}
	for _, since := range s.since {
		if !since.IsZero() {
			return since
		}
	}
	return time.Time{}
}

// failsAtLogin reports whether the service fails at or behind the login, which one node alone tries.
func (s *Sight) failsAtLogin() bool {
	f, _ := findingOf(s.Result, config.ConditionService)
	return s.failsAt(0) && (f.Phase == config.PhaseLogin || f.Phase == config.PhaseSelect)
}

// cause returns why the service fails as the node sees it.
func (s *Sight) cause() config.Cause {
	f, _ := s.finding(0)
	return f.Cause
}

// judges reports whether the sight says anything of a condition: by its place in pathConditions.
func (s *Sight) judges(condition int) bool {
	return s.failsAt(condition) || s.Result.Observed.Has(pathConditions[condition])
}

// judged reports whether the node could judge the service at all: its own network, resolver
// or clock may be at fault.
func (s *Sight) judged() bool { return s.Result.Observed.Has(config.ConditionService) }

// A Memory is what a node remembers of a check, to say since when it fails. The node itself
// does, so that nothing is wrong when what it said is lost on the way.
type Memory struct {
	seen    bool
	changed time.Time
	since   beginnings
}

// See returns the sight that follows from the next result of the node.
func (m *Memory) See(node string, r incident.Result, settings uint64) Sight {
	was := m.since
	for i, c := range pathConditions {
		switch failing := failsIn(r, c); {
		case !r.Observed.Has(c): // it stays as it is
		case !failing:
			m.since[i] = time.Time{}
		case was[i].IsZero():
			m.since[i] = r.Started
		}
	}
	if !m.seen || was[0].IsZero() != m.since[0].IsZero() {
		m.changed = r.Started
	}
	m.seen = true
	return Sight{Node: node, Result: r, Settings: settings, Changed: m.changed, Took: took(r), since: m.since, fresh: true}
}

// appendAddresses appends the conversations of a sight.
func (s *Sight) appendAddresses(list []incident.Address) []incident.Address {
	took := s.Took // of a brief sight that is all that is known
	for i, a := range s.Result.Addresses {
		switch {
		case !s.travelled:
		case i < len(s.timings):
			a.Node, a.Timings = s.Node, s.timings[i]
		default:
			a.Node = s.Node
			if a.Health == incident.OK || a.Health == incident.Degraded {
				a.Timings[config.WholeConversation], took = took, 0
			}
		}
		list = append(list, a)
	}
	return list
}

// took returns how long the longest conversation of a result took that came to an end.
func took(r incident.Result) (longest time.Duration) {
	for i := range r.Addresses {
		if a := &r.Addresses[i]; a.Health == incident.OK || a.Health == incident.Degraded {
			longest = max(longest, a.Timings[config.WholeConversation])
		}
	}
	return longest
}

// failsIn reports whether a result has a finding about a condition that is a failure.
func failsIn(r incident.Result, c config.Condition) bool {
	f, found := findingOf(r, c)
	return found && f.Health != incident.Unknown
}

// findingOf returns the worst finding of a result about a condition.
func findingOf(r incident.Result, c config.Condition) (worst incident.Finding, found bool) {
	for _, f := range r.Findings {
		if f.Condition == c && (!found || f.WorseThan(worst)) {
			worst, found = f, true
		}
	}
	return worst, found
}
