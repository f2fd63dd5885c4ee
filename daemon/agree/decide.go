package agree

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Wanted is a check at which some nodes are to look now.
type Wanted struct {
	Check config.CheckID
	Nodes []string
}

// Decide returns what a single machine would have seen of the checks whose sights have changed, and
// which nodes are to look again now.
func (b *Board) Decide(now time.Time) (results []incident.Result, wake []Wanted) {
	for _, e := range b.dirty {
		e.dirty = false
		o := e.decide(now)
		if r, any := e.result(&o); any {
			results = append(results, r)
		}
		if nodes := e.toWake(&o, now); len(nodes) > 0 {
			wake = append(wake, Wanted{e.id, nodes})
		}
	}
	b.dirty = b.dirty[:0]
	return results, wake
}

func (e *entry) decide(now time.Time) Opinion {
	p := &e.check.Probe
	o := e.view.Agree(e.members, Rule{Agree: max(1, e.check.Quorum.Agree), Fresh: 2*p.Interval + p.Timeout, Settings: e.settings, Cause: e.cause}, now)
	e.cause = ""
	if f, fails := findingOf(o.Result, config.ConditionService); fails {
		e.cause = f.Cause
	}
	return o
}

// result returns what the incident machine gets of an opinion.
func (e *entry) result(o *Opinion) (r incident.Result, any bool) {
	r = o.Result
	if o.Verdict == Nothing {
		r = incident.Result{Started: o.Now, Ended: o.Now, Findings: []incident.Finding{{
			Condition: config.ConditionMonitor, Health: incident.Unknown, Cause: config.CauseLocalFault, Hint: "No node reports on this check.",
		}}}
	}
	r.Check = e.id
	r.Sightings = o.sightings()
	return r, r.Observed != 0 || o.Verdict == Nothing
}

// sightings returns what each node sees, as it is shown.
func (o *Opinion) sightings() []incident.Sighting {
	list := make([]incident.Sighting, len(o.Voices))
	for i := range o.Voices {
		v := &o.Voices[i]
		s := incident.Sighting{Node: v.Node, Location: v.Location, Health: incident.Unknown, Standing: string(v.Standing)}
		if v.sight != nil {
			s.At, s.Took = v.sight.Result.Started, v.sight.Took
			if worst, wrong := v.sight.Result.Worst(); wrong {
				s.Phase, s.Cause, s.Hint, s.Evidence = worst.Phase, worst.Cause, worst.Hint, worst.Evidence
			}
			if v.reports() {
				s.Health = v.sight.Result.Health()
			}
		}
		list[i] = s
	}
	return list
}

// toWake returns which nodes are to look now, each at most once in retry_interval.
func (e *entry) toWake(o *Opinion, now time.Time) (nodes []string) {
	for _, node := range o.Wake() {
		if last, woken := e.woken[node]; !woken || now.Sub(last) >= e.check.Probe.RetryInterval {
			e.woken[node] = now
			nodes = append(nodes, node)
		}
	}
	return nodes
}
