package agree_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A vote is what the nodes of a check see, counted.
type vote struct {
	reporting, failing []*plainSight
	unsure             bool // a sight is just as old as it may be
}

// count counts what the nodes of a check see.
func (s *simulation) count(c *plainCheck) (v vote, waits bool) {
	members := agree.Share(c.check.ID, s.members(), s.quorum.Nodes)
	slices.SortFunc(members, func(a, b agree.Member) int { return compareNames(a.Node, b.Node) })
	isFresh := func(node string) bool {
		sight := c.sights[node]
		if sight == nil {
			return false
		}
		age := s.now.Sub(sight.started) - 2*c.check.Probe.Interval - c.check.Probe.Timeout
		if age.Abs() < 2*time.Millisecond {
			v.unsure = true
		}
		return age <= 0
	}
	var speakers []string
	for _, m := range members {
		if c.sights[m.Node] == nil {
			waits = waits || s.now.Sub(began) < 10*time.Second
		}
		speaker := m.Node
		if !isFresh(m.Node) {
			for _, n := range s.nodes {
				isMember := slices.ContainsFunc(members, func(m agree.Member) bool { return m.Node == n.name })
				if !isMember && n.heard && isFresh(n.name) && !slices.Contains(speakers, n.name) {
					speaker = n.name
					break
				}
			}
		}
		speakers = append(speakers, speaker)
	}
	for _, node := range speakers {
		sight := c.sights[node]
		if !isFresh(node) || sight.other || !sight.result.Observed.Has(config.ConditionService) {
			continue
		}
		fails := !sight.since.IsZero()
		if fails && s.known[node].suspect && sight.result.Findings[0].Phase == config.PhaseConnect {
			continue
		}
		v.reporting = append(v.reporting, sight)
		if fails {
			v.failing = append(v.failing, sight)
		}
	}
	return v, waits
}

func compareNames(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// compare compares what the board says at this moment with the plain reading.
func (s *simulation) compare(swept bool) {
	for _, check := range s.checks {
		c := s.plain[check.ID]
		if c.wait || swept {
			s.compareOne(c)
		}
	}
	clear(s.got)
}

func (s *simulation) compareOne(c *plainCheck) {
	v, waits := s.count(c)
	if waits {
		return
	}
	c.wait = false
	switch {
	case len(v.reporting) >= s.quorum.Agree:
		c.short = time.Time{}
	case c.short.IsZero():
		c.short = s.now
	}
	need := min(s.quorum.Agree, len(v.reporting))
	verdict := agree.Agreed
	switch {
	case len(v.reporting) == 0:
		verdict = agree.Nothing
	case len(v.failing) >= need:
		verdict = agree.Fails
	case len(v.failing) > 0:
		verdict = agree.Local // or still asking
	}
	got, said := s.got[c.check.ID]
	if v.unsure {
		s.follow(c, got, said)
		return
	}
	// What is said counts if one of those looked again who see it so, or if it is news.
	fresh := func(list []*plainSight) bool {
		return slices.ContainsFunc(list, func(p *plainSight) bool { return p.fresh })
	}
	news := !c.decided || (verdict == agree.Fails) != (c.verdict == agree.Fails)
	observed := verdict != agree.Nothing && (news || verdict == agree.Fails && fresh(v.failing) || verdict != agree.Fails && fresh(v.reporting))
	describe := func() string {
		return fmt.Sprintf("%s at %s: %d of %d fail, %d have to; it was %s\n%+v", c.check.ID, s.now.Sub(began), len(v.failing), len(v.reporting), s.quorum.Agree, c.verdict, got)
	}
	if observed != got.Observed.Has(config.ConditionService) {
		s.t.Fatalf("the service is observed %v, want %v: %s", !observed, observed, describe())
	}
	_, fails := findingOf(got, config.ConditionService)
	if said && fails != (verdict == agree.Fails) {
		s.t.Fatalf("it fails %v, want %v: %s", fails, !fails, describe())
	}
	if verdict == agree.Fails && observed {
		s.compareClock(c, v, need, got)
	}
	s.remember(c, v, verdict, got)
}

// compareClock compares since when a failure counts.
func (s *simulation) compareClock(c *plainCheck, v vote, need int, got incident.Result) {
	var times []time.Time
	for _, sight := range v.failing {
		times = append(times, sight.since)
	}
	slices.SortFunc(times, time.Time.Compare)
	want := times[need-1]
	if len(v.reporting) < s.quorum.Agree {
		want = later(want, c.short)
	}
	// The board decides on a check that is well when a node has looked, or when another one reports.
	earliest, latest := later(want, c.well), later(want, c.wellSwept)
	if is := since(got, config.ConditionService); is.Before(earliest.Add(-slack)) || is.After(latest.Add(slack)) {
		s.t.Fatalf("%s fails since %s, want %s to %s: %d of %d fail", c.check.ID, is.Sub(began), earliest.Sub(began), latest.Sub(began), len(v.failing), len(v.reporting))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// remember remembers what was agreed on, and has the incident machine of the plain reading observe it.
func (s *simulation) remember(c *plainCheck, v vote, verdict agree.Verdict, got incident.Result) {
	anyFresh := slices.ContainsFunc(v.reporting, func(p *plainSight) bool { return p.fresh })
	if verdict == agree.Agreed && anyFresh || c.verdict == agree.Fails && verdict != agree.Fails && verdict != agree.Nothing {
		c.well = s.now
	}
	if verdict == agree.Agreed {
		c.wellSwept = s.now
	}
	c.wellSwept = later(c.wellSwept, c.well)
	if verdict != agree.Nothing {
		c.verdict, c.decided = verdict, true
	}
	s.follow(c, got, true)
}

// follow has the incident machine of the plain reading observe what is said of the service alone, as a single
// machine would.
func (s *simulation) follow(c *plainCheck, got incident.Result, said bool) {
	for _, sight := range c.sights {
		sight.fresh = false
	}
	if !said {
		return
	}
	alone := incident.Result{Check: got.Check, Started: got.Started, Ended: got.Ended, Target: got.Target, Began: got.Began}
	alone.Observed = got.Observed & config.ConditionSet(config.ConditionService)
	if f, fails := findingOf(got, config.ConditionService); fails {
		c.verdict = agree.Fails
		alone.Findings = []incident.Finding{f}
	} else if alone.Observed != 0 && c.verdict == agree.Fails {
		c.verdict = agree.Local
	}
	counts, events := incident.Observe(c.check.Policy, c.state, alone)
	c.state = c.state.WithCounts(counts)
	for _, e := range events {
		c.state = incident.Apply(c.state, e)
		if e.Condition == config.ConditionService {
			c.events = append(c.events, fmt.Sprint(e.Kind, e.Since.Sub(began), e.At.Sub(began)))
		}
	}
	if !slices.Equal(c.events, c.real) {
		s.t.Fatalf("%s has the events\n%v\nof a single machine with the same view these\n%v", c.check.ID, c.real, c.events)
	}
}

// findingOf returns the finding about a condition.
func findingOf(r incident.Result, c config.Condition) (incident.Finding, bool) {
	for _, f := range r.Findings {
		if f.Condition == c {
			return f, true
		}
	}
	return incident.Finding{}, false
}
