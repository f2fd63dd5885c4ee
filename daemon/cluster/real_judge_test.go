//go:build !quick

package cluster_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	longestTakeOver = 10 * time.Second
	longestGap      = 2 * time.Second // two intervals
	// neverStepsDown is how long a decider that was replaced, and never steps down, may be heard by the others, who
	// wait for so long: until it looks whether the journal is still its own.
	neverStepsDown = 12 * time.Second
	// outcomeTime is how long it takes at most until nodes have it that a message was delivered.
	outcomeTime = answerTime + 2*time.Second
	// decidingTime is for how long somebody has to decide during an outage, so that it is told: until nodes have
	// said what they last saw, two have seen it twice, and fault_tolerance is over.
	decidingTime = faultTolerance + 3*time.Second
)

// judge compares what was told with what was, and adds to the figures.
func (r *realRound) judge(f *figures) {
	slices.SortStableFunc(r.reports, func(a, b report) int { return cmp.Compare(a.At, b.At) })
	f.rounds += len(r.clusters)
	f.late += r.fair.late()
	for c := range r.clusters {
		r.judgeCluster(c, f)
	}
	r.judgeGaps(f)
	r.judgeTakeOvers(f)
}

func (r *realRound) fail(cluster int, format string, args ...any) {
	r.wrong[cluster] = append(r.wrong[cluster], fmt.Sprintf(format, args...))
}

// failByClock does what fail does, for what may be wrong only since the machines were too slow.
func (r *realRound) failByClock(cluster int, format string, args ...any) {
	r.wrongByClock[cluster] = append(r.wrongByClock[cluster], fmt.Sprintf(format, args...))
}

func (r *realRound) judgeCluster(c int, f *figures) {
	opened, closed := map[string]report{}, map[string]bool{}
	for _, one := range r.of(c, "opened") {
		opened[one.Incident] = one
	}
	told := r.of(c, "told")
	for _, one := range told {
		if one.What == string(notifiers.Closed) {
			closed[one.Incident] = true
		}
	}
	seen := map[string]bool{}
	for _, one := range told {
		if one.What != string(notifiers.Opened) || seen[one.Incident] {
			continue
		}
		seen[one.Incident] = true
		if !closed[one.Incident] {
			f.lostClosings++
			r.fail(c, "%s: %s told of %s %s, and nobody of its end", r.show(one.At), r.name(one.Machine), one.Check, one.Condition)
		}
		if one.Condition == string(config.ConditionService) && !r.explains(one, opened[one.Incident]) {
			f.falseOpenings++
			r.failByClock(c, "%s: %s told that %s is down since %s, and it was not: %s", r.show(one.At), r.name(one.Machine), one.Check, one.Started, opened[one.Incident].From)
		}
	}
	for _, o := range r.outages {
		if o.cluster == c {
			r.judgeOutage(o, told, f)
		}
	}
	f.refused += len(r.of(c, "refused"))
	r.judgeSolitude(c)
	r.judgeDoubled(c, told, f)
}

// judgeSolitude finds out whether a node that had been stopped said that it is alone, before it had listened for
// long enough. One that was alone before goes on with it.
func (r *realRound) judgeSolitude(c int) {
	for _, one := range r.of(c, "role") {
		for _, f := range r.faults {
			if one.Role == string(cluster.Alone) && f.kind == stopped && !f.server && f.victim == one.Machine && f.begin < one.At &&
				one.At < f.end+r.clusters[c].AloneAfter-time.Second && !r.wasAlone(c, f.victim, f.begin) {
				r.fail(c, "%s: %s is alone, which was stopped from %s to %s", r.show(one.At), r.name(one.Machine), r.show(f.begin), r.show(f.end))
			}
		}
	}
}

// wasAlone reports whether a node was alone at a time, or shortly before: it is so until it has heard a decider, or has
// decided, for 5 seconds.
func (r *realRound) wasAlone(c, machine int, at time.Duration) bool {
	was, ended := false, -time.Hour
	for _, one := range r.of(c, "role") {
		if one.Machine != machine || one.At >= at {
			continue
		}
		if was {
			ended = one.At
		}
		was = one.Role == string(cluster.Alone)
	}
	return was || at-ended < 5*time.Second
}

// of returns the reports of a kind of a cluster, in the order of their time.
func (r *realRound) of(cluster int, kind string) (list []report) {
	for _, one := range r.reports {
		if one.Cluster == cluster && one.Kind == kind {
			list = append(list, one)
		}
	}
	return list
}

// judgeOutage finds out whether an outage was told, once.
func (r *realRound) judgeOutage(o *realOutage, told []report, f *figures) {
	if o.from >= 0 {
		f.locals++
		return
	}
	f.outages++
	shared, any := map[string]bool{}, false
	for _, one := range told {
		if one.Check == string(checkOf(o.check)) && one.What == string(notifiers.Opened) && one.Condition == string(config.ConditionService) {
			any = true
			if !one.Own {
				shared[one.Incident] = true
			}
		}
	}
	switch decided := r.decided(o.cluster, o.begin, o.end); {
	case any:
	case decided < decidingTime:
		f.tooShort++
	default:
		f.lostOpenings++
		r.fail(o.cluster, "nobody was told of %s, which was down from %s to %s, while somebody decided for %s of it",
			checkOf(o.check), r.show(o.begin), r.show(o.end), decided)
	}
	if len(shared) > 1 {
		f.toldAsTwo++
		r.fail(o.cluster, "the outage of %s was told as %d", checkOf(o.check), len(shared))
	}
}

// electing is for how long a new leader among the servers takes, at most.
const electing = 9 * time.Second

// decided returns for how long at a stretch, of fair time, somebody decided between two uptimes who had not
// fallen, while the servers of the bus had a leader.
func (r *realRound) decided(c int, from, to time.Duration) (longest time.Duration) {
	for _, s := range r.decidedBy(c) {
		stretches := []stretch{{max(s.from, from), min(s.to, to)}}
		for _, f := range r.faults {
			if !f.server {
				continue
			}
			var rest []stretch
			again := f.begin + electing
			if f.kind == allWiped {
				again = r.rescue.made[c]
			}
			for _, s := range stretches {
				rest = append(rest, stretch{s.from, min(s.to, f.begin)}, stretch{max(s.from, again), s.to})
			}
			stretches = rest
		}
		for _, s := range stretches {
			if s.from < s.to {
				longest = max(longest, r.fair.at(s.to)-r.fair.at(s.from))
			}
		}
	}
	return longest
}

// A stretch is from one uptime to another; it may be empty.
type stretch struct{ from, to time.Duration }

// decidedBy returns when somebody decided for a cluster who had not fallen.
func (r *realRound) decidedBy(c int) (list []stretch) {
	roles := r.of(c, "role")
	for i, one := range roles {
		if one.Role != string(cluster.Deciding) {
			continue
		}
		s := stretch{one.At, uptime()}
		for _, later := range roles[i+1:] {
			if later.Machine == one.Machine {
				s.to = later.At
				break
			}
		}
		for _, f := range r.faults {
			if !f.server && f.victim == one.Machine && fells(f.kind) && (f.end == 0 || f.end > one.At) {
				s.to = min(s.to, max(f.begin, one.At))
			}
		}
		list = append(list, s)
	}
	return list
}

// explains reports whether a check that was told to be down was: from everywhere, or from the nodes that were
// left.
func (r *realRound) explains(told, opened report) bool {
	for _, o := range r.outages {
		if o.cluster != told.Cluster || string(checkOf(o.check)) != told.Check {
			continue
		}
		if o.from >= 0 {
			return strings.Contains(opened.From, "alone")
		}
		early := o.wall.Sub(told.Started)
		late := r.fair.at(o.end + told.Started.Sub(o.wall) - (o.end - o.begin))
		return early < 100*time.Millisecond && late < r.fair.at(o.end)+2*time.Second
	}
	return false
}

// judgeDoubled finds out whether a message came again only because it was under way when another node took
// over.
func (r *realRound) judgeDoubled(c int, told []report, f *figures) {
	settled, began := r.readStream(c)
	f.takeOvers += len(began) - 1
	attempts := map[string][]report{}
	for _, one := range told {
		attempts[one.Key] = append(attempts[one.Key], one)
	}
	for key, list := range attempts {
		f.messages++
		for i, one := range list[1:] {
			f.doubled++
			switch before := list[i]; {
			case one.Own || before.Own:
			case r.isAcrossLoss(c, before.At, one.At):
				if before.At < r.rescue.began-outcomeTime {
					r.fail(c, "%s: %s sends again of %s what was delivered before the disks were lost: %s", r.show(one.At), r.name(one.Machine), one.Check, key)
				}
			case one.Term == before.Term:
				r.fail(c, "%s: %s told %s again in the same term: %s", r.show(one.At), r.name(one.Machine), one.Check, key)
			case settled[key] != 0 && settled[key] < one.Term:
				r.fail(c, "%s: %s sends again of %s what the journal said was delivered: %s", r.show(one.At), r.name(one.Machine), one.Check, key)
			}
		}
	}
}

// judgeGaps finds the longest time without a probe of any check.
func (r *realRound) judgeGaps(f *figures) {
	all := make([][]time.Duration, len(r.clusters)*checksOfRound)
	for _, p := range r.machines {
		must(r.t, readProbes(p.file.Probes, func(n probeNote) {
			i := int(n.Cluster)*checksOfRound + int(n.Check)
			all[i] = append(all[i], n.At)
		}))
	}
	for i, probes := range all {
		slices.Sort(probes)
		for j, at := range probes[min(1, len(probes)):] {
			gap := r.fair.at(at) - r.fair.at(probes[j])
			f.gap = max(f.gap, gap)
			if gap > longestGap {
				r.failByClock(i/checksOfRound, "%s was not probed from %s to %s", checkOf(i%checksOfRound), r.show(probes[j]), r.show(at))
			}
		}
	}
}

// judgeTakeOvers finds how long nobody decided after the one who did had fallen.
func (r *realRound) judgeTakeOvers(f *figures) {
	for _, fault := range r.faults {
		if fault.server || !fells(fault.kind) {
			continue
		}
		for c := range r.clusters {
			before, next := r.aroundOf(c, fault.begin)
			if before != nil && before.Role == string(cluster.Deciding) && before.Machine == fault.victim && next != nil && next.Machine != fault.victim {
				r.judgeTakeOver(c, fault, next.At, f)
			}
		}
	}
}

// judgeTakeOver finds how long it took from the fall of one who decided until a node took over. Where another one
// fell within the time that it may take, who might have been the next, it may take so long from then on.
func (r *realRound) judgeTakeOver(c int, fault *realFault, until time.Duration, f *figures) {
	since, others := fault.begin, 0
	var servers []*realFault
	for _, other := range r.faults { // in the order in which they began
		switch {
		case other == fault, other.begin > until, other.end != 0 && other.end+time.Second < fault.begin:
		case other.server:
			servers = append(servers, other)
		case fells(other.kind) && other.begin > fault.begin:
			others++
			if r.fair.at(other.begin)-r.fair.at(since) <= longestTakeOver {
				since = other.begin
			}
		}
	}
	took := r.fair.at(until) - r.fair.at(fault.begin)
	switch {
	case len(servers) > 0: // a new leader among them takes up to nine seconds
		f.withServer = append(f.withServer, took)
		return
	case others > 0:
		f.withOther = append(f.withOther, took)
	case fault.kind == deaf: // the others hear it until it knows
		f.afterDeaf = append(f.afterDeaf, took)
	case fault.kind == killed:
		f.afterKill = append(f.afterKill, took)
	default:
		f.afterFall = append(f.afterFall, took)
	}
	most := longestTakeOver
	if r.clusters[c].NeverStepDown {
		most += neverStepsDown
	}
	if fault.kind != deaf && r.fair.at(until)-r.fair.at(since) > most {
		r.fail(c, "%s: after %s was %s it took %s until another node decided", r.show(fault.begin), r.name(fault.victim), fault.kind, took)
	}
}

// aroundOf returns who said last before an uptime that it decides, or the last thing that this one said, and
// who said first after it that it does; nil: nobody.
func (r *realRound) aroundOf(c int, at time.Duration) (before, next *report) {
	for _, one := range r.of(c, "role") {
		switch {
		case one.At > at && one.Role == string(cluster.Deciding):
			return before, &one
		case one.At > at:
		case one.Role == string(cluster.Deciding), before != nil && before.Machine == one.Machine:
			before = &one
		}
	}
	return before, nil
}
