package agree

import (
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Wanted is a check at which some nodes are to look now.
type Wanted struct {
	Check config.CheckID
	Nodes []string
}

// patience is how long a check that is new here waits for the first sight of each of its nodes. They begin to
// probe within 10 seconds, and what they saw before they say at once when they are asked.
const patience = 10 * time.Second

// decidedAtOnce is the most results that one call returns, so that those of a failure are not made after those
// of 100,000 checks that are well.
const decidedAtOnce = 4096

// Decide returns what a single machine would have seen of the checks whose sights have changed, or of
// whose nodes one has fallen silent, and which nodes are to look again now. Those that fail come first.
// It is to be called again until it returns no results.
func (b *Board) Decide(now time.Time) (results []incident.Result, wake []Wanted) {
	b.now = laterOf(b.now, now)
	for _, list := range []*[]*entry{&b.urgent, &b.dirty} {
		waiting := (*list)[:0]
		for _, e := range *list {
			switch {
			case !e.dirty: // it was urgent, and is decided on
				continue
			case len(results) >= decidedAtOnce, b.isTooEarly(e):
				waiting = append(waiting, e)
				continue
			}
			e.dirty, e.urgent = false, false
			o := b.decide(e)
			if r, worthIt := b.result(e, o); worthIt {
				results = append(results, r)
			}
			if nodes := b.toWake(e, o); len(nodes) > 0 {
				wake = append(wake, Wanted{e.id, nodes})
			}
		}
		clear((*list)[len(waiting):])
		*list = waiting
	}
	return results, wake
}

// isTooEarly reports whether it is too early to decide on a check.
func (b *Board) isTooEarly(e *entry) bool {
	return b.now.Sub(b.began)-e.born < patience && slices.ContainsFunc(e.members, func(node uint16) bool {
		return !b.nodes[node].Silent && e.slot(node) == nil
	}) && !b.enoughFail(e)
}

// enoughFail reports whether as many nodes as have to agree see the service of a check fail, whatever the
// others have to say.
func (b *Board) enoughFail(e *entry) bool {
	n := 0
	for _, node := range e.members {
		if s := e.slot(node); s != nil && s.more != nil && s.more.since[0] != never && s.settings == e.settings {
			n++
		}
	}
	return n >= e.agree
}

// hear makes the opinion of the board one about a check, without what follows from it.
func (b *Board) hear(e *entry) *Opinion {
	b.view.sights = b.view.sights[:0]
	for i := range e.slots {
		b.view.sights = append(b.view.sights, b.sight(e, &e.slots[i]))
	}
	b.view.course = e.course
	b.members = b.members[:0]
	for _, node := range e.members {
		b.members = append(b.members, b.nodes[b.standIn(e, node)].Member)
	}
	b.opinion.hear(&b.view, b.members, e.rule(), b.now)
	return &b.opinion
}

func (e *entry) rule() Rule {
	return Rule{Agree: e.agree, Fresh: e.fresh, Settings: uint64(e.settings), Cause: e.cause}
}

// standIn returns the node that speaks for a member: another one, which probed the check until now, as long
// as the member has not looked. Otherwise the check would have fewer nodes for a while whenever one comes
// or goes.
func (b *Board) standIn(e *entry, member uint16) uint16 {
	now := b.now.Sub(b.began)
	if s := e.slot(member); b.nodes[member].Silent || s != nil && now-s.started <= e.fresh {
		return member
	}
	best := member
	for i := range e.slots {
		s := &e.slots[i]
		taken := slices.ContainsFunc(b.members, func(m Member) bool { return m.Node == b.nodes[s.node].Node })
		free := !taken && !b.nodes[s.node].Silent && !slices.Contains(e.members, s.node) && now-s.started <= e.fresh
		if free && (best == member || s.node < best) { // the same one, in whatever order they were heard
			best = s.node
		}
	}
	return best
}

// decide returns what the nodes of a check see together. It is valid until the next call.
func (b *Board) decide(e *entry) *Opinion {
	o := b.hear(e)
	o.decide()
	e.course = o.course
	e.reported, e.spoke, e.asking = o.reportingMask(), o.speakers(), o.Verdict == Asking
	for i := range e.slots {
		e.slots[i].fresh = false
	}
	if f, fails := findingOf(o.Result, config.ConditionService); fails {
		e.cause = f.Cause
	} else if o.Verdict == Agreed {
		e.cause = ""
	}
	return o
}

var speakersSeed = maphash.MakeSeed()

// speakers returns a number that is another one when other nodes report, or one speaks for another.
func (o *Opinion) speakers() (sum uint64) {
	for i := range o.Voices {
		sum *= 31
		if v := &o.Voices[i]; v.reports() {
			sum += maphash.String(speakersSeed, v.Node)
		}
	}
	return sum
}

// reportingMask returns which members report, a bit each.
func (o *Opinion) reportingMask() (mask uint64) {
	for i := range o.Voices {
		if o.Voices[i].reports() {
			mask |= 1 << (i % 64)
		}
	}
	return mask
}

// result returns what the incident machine gets of an opinion.
func (b *Board) result(e *entry, o *Opinion) (r incident.Result, worthIt bool) {
	news := e.unknown != (o.Verdict == Nothing)
	e.unknown = o.Verdict == Nothing
	r = o.Result
	if o.Verdict == Nothing {
		r = o.resultOfNothing(b.now)
	}
	r.Check = e.id
	r.Sightings = o.sightings()
	return r, news || r.Observed != 0
}

// resultOfNothing returns a result of which nothing follows: why nobody can say how the check is.
func (o *Opinion) resultOfNothing(now time.Time) incident.Result {
	f := incident.Finding{Condition: config.ConditionMonitor, Health: incident.Unknown, Cause: config.CauseLocalFault}
	for i := range o.Voices {
		if v := &o.Voices[i]; v.Standing == Blind {
			if why, known := findingOf(v.sight.Result, config.ConditionMonitor); known {
				f = why
			}
		}
	}
	f.Hint = "No node reports on this check."
	if others := strings.Join(o.others(), "; "); others != "" {
		f.Hint = "No node reports on this check: " + others + "."
	}
	return incident.Result{Started: now, Ended: now, Findings: []incident.Finding{f}}
}

// sightings returns what each node sees, as it is shown.
func (o *Opinion) sightings() []incident.Sighting {
	list := make([]incident.Sighting, len(o.Voices))
	asked := o.Wake()
	for i := range o.Voices {
		v := &o.Voices[i]
		s := incident.Sighting{Node: v.Node, Location: v.Location, Health: incident.Unknown, Standing: string(v.Standing)}
		if v.sight != nil {
			s.At, s.Took = v.sight.Result.Started, v.sight.Took
			if worst, wrong := v.sight.Result.Worst(); wrong {
				s.Phase, s.Cause, s.Hint, s.Evidence = worst.Phase, worst.Cause, worst.Hint, worst.Evidence
			}
			s.Since = v.sight.shownSince()
		}
		if v.reports() {
			s.Health = v.sight.Result.Health()
			if slices.Contains(asked, v.Node) {
				s.Standing = string(Asked)
			}
		}
		list[i] = s
	}
	return list
}

// toWake returns which nodes are to look now, each at most once in retry_interval.
func (b *Board) toWake(e *entry, o *Opinion) (nodes []string) {
	now := b.now.Sub(b.began)
	for _, name := range o.Wake() {
		for i := range e.slots {
			s := &e.slots[i]
			if b.nodes[s.node].Node == name && (s.woken == never || now-s.woken >= e.check.Probe.RetryInterval) {
				s.woken = now
				nodes = append(nodes, name)
			}
		}
	}
	return nodes
}
