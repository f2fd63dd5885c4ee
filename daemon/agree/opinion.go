package agree

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Verdict is what the nodes of a check agree on.
type Verdict string

// The verdicts.
const (
	Agreed  Verdict = "well"     // nobody sees it fail
	Asking  Verdict = "asking"   // some see it fail, and others have not looked since
	Local   Verdict = "location" // all have looked: it fails from some places only
	Fails   Verdict = "failing"  // enough see it fail
	Nothing Verdict = "unknown"  // nobody reports
)

// An Opinion is what the nodes of a check see together.
type Opinion struct {
	Verdict Verdict
	Voices  []Voice // of all members, in their order
	Rule    Rule
	Now     time.Time
	// Result is what a single machine would have seen, with what is seen from some places only as
	// a condition of its own. Its Observed has what was looked at again since the last opinion, and
	// what is news; it is empty where there is nothing to say.
	Result incident.Result

	reporting []Voice
	course    // as it was, and then as it is
}

// Need is how many of those that report have to see a failure: with too few, all of them.
func (o *Opinion) Need() int { return min(o.Rule.Agree, len(o.reporting)) }

// Short reports whether fewer nodes report than have to agree, so that the failure was decided by
// those that are left.
func (o *Opinion) Short() bool { return len(o.reporting) < o.Rule.Agree }

func (o *Opinion) decide() {
	if len(o.reporting) == 0 {
		o.Verdict = Nothing
		return
	}
	o.gather()
	o.decideService()
	if o.Verdict != Fails {
		// What works beyond a service that fails nobody can see.
		o.decideMilder()
	}
	o.decideFindingsOfOne()
	// Who sees a failure may have looked before the time from which it counts, and of several nodes one that
	// looked earlier may be heard later. An observation from before the failure, or from before another
	// one, would be one by a clock that was set back, for which no tolerance holds.
	o.ended = laterOf(o.ended, o.Result.Ended)
	o.Result.Ended = o.ended
}

// gather makes the result without what it says of conditions.
func (o *Opinion) gather() {
	newest := o.newest()
	o.Result = incident.Result{Check: newest.Check, Started: newest.Started, Target: newest.Target}
	addresses := 0
	for _, v := range o.reporting {
		addresses += len(v.sight.Result.Addresses)
	}
	// Others keep it, so it has the size that it needs.
	o.Result.Addresses = make([]incident.Address, 0, addresses)
	for _, v := range o.reporting {
		r := &v.sight.Result
		o.Result.Ended = laterOf(o.Result.Ended, r.Ended)
		o.Result.Addresses = v.sight.appendAddresses(o.Result.Addresses)
		for _, note := range r.Notes {
			if !slices.Contains(o.Result.Notes, note) {
				o.Result.Notes = append(o.Result.Notes, note)
			}
		}
	}
}

// newest returns the newest of the results.
func (o *Opinion) newest() *incident.Result {
	newest := &o.reporting[0].sight.Result
	for _, v := range o.reporting[1:] {
		if v.sight.Result.Started.After(newest.Started) {
			newest = &v.sight.Result
		}
	}
	return newest
}

// decideService decides whether the service fails, and since when.
func (o *Opinion) decideService() {
	began := o.failing(0)
	switch {
	case len(began) == 0:
		o.Verdict = Agreed
	case len(began) >= o.needed():
		o.Verdict = Fails
	case len(o.yetToLook()) == 0:
		o.Verdict = Local
	default:
		o.Verdict = Asking
	}
	atLogin := o.atLogin
	o.atLogin = o.Verdict == Fails && o.anyReporting((*Sight).failsAtLogin)
	if o.Verdict == Fails {
		f, _ := o.commonFinding(0)
		o.say(f, o.anyFresh(func(s *Sight) bool { return s.failsAt(0) }), laterOf(o.clock(began), o.well))
		return
	}
	if atLogin && o.stillFails() {
		o.atLogin = true
		return // the only node that could see it well again could not judge this time
	}
	// Some may see it fail still. As far as they agree it failed until now.
	if o.Verdict == Agreed || o.failed.Has(config.ConditionService) {
		o.well = o.Now
	}
	o.sayWellSince()
	o.sayWell(config.ConditionService, o.anyFresh(func(*Sight) bool { return true }))
	o.decideLocation(began)
}

// sayWellSince says since when the service is well, where that is news and all see it well: the nodes may have seen it
// while they reached nobody who decides. Where too few report nobody can confirm what was before.
func (o *Opinion) sayWellSince() {
	isNews := !o.observed.Has(config.ConditionService) || o.failed.Has(config.ConditionService)
	if !isNews || o.Verdict != Agreed || o.Short() {
		return
	}
	var since time.Time
	for _, v := range o.reporting {
		if v.sight.Changed.IsZero() {
			return // what is known of it is brief
		}
		since = laterOf(since, v.sight.Changed)
	}
	o.Result.Began = append(o.Result.Began, incident.Beginning{Condition: config.ConditionService, At: since})
}

// decideLocation decides whether the service fails from some places only. While somebody has not looked
// again that is not known.
func (o *Opinion) decideLocation(began []time.Time) {
	fresh := o.anyFresh(func(*Sight) bool { return true })
	switch o.Verdict {
	case Agreed:
		o.sayWell(config.ConditionLocation, fresh)
	case Local:
		f, _ := o.commonFinding(0)
		f.Condition, f.Health, f.Grade, f.Hint = config.ConditionLocation, incident.Degraded, 0, o.locationHint()
		o.say(f, fresh, laterOf(began[0], o.well))
	case Asking, Fails, Nothing:
	}
}

// decideMilder decides what is said of addresses and latency.
func (o *Opinion) decideMilder() {
	for i := 1; i < len(pathConditions); i++ {
		judging := o.count(func(s *Sight) bool { return s.judges(i) })
		if !o.observes(pathConditions[i]) {
			continue
		}
		// Who sees the service fail counts here; who alone does is no reason to say so.
		need, began := min(o.Rule.Agree, judging), o.failing(i)
		if len(began) < need || len(began) == len(o.failing(0)) {
			o.sayWell(pathConditions[i], o.anyFresh(func(s *Sight) bool { return s.Result.Observed.Has(pathConditions[i]) }))
			continue
		}
		// Where nobody who sees it fail could judge it the last time, it stays as it is.
		if f, found := o.commonFinding(i); found {
			o.say(f, o.anyFresh(func(s *Sight) bool { return s.failsAt(i) }), began[need-1])
		}
	}
}

// decideFindingsOfOne decides what one node is enough for. Which says the worst counts.
func (o *Opinion) decideFindingsOfOne() {
	var observed config.Conditions
	for _, v := range o.reporting {
		observed |= v.sight.Result.Observed
	}
	for c := range observed.All() {
		if slices.Contains(pathConditions[:], c) {
			continue
		}
		worst, found := o.worstFinding(c)
		if !found {
			o.sayWell(c, o.anyFresh(func(s *Sight) bool { return s.Result.Observed.Has(c) }))
			continue
		}
		o.say(worst, o.anyFresh(func(s *Sight) bool { return failsIn(s.Result, c) }), time.Time{})
	}
}

// worstFinding returns the worst that a node says of a condition.
func (o *Opinion) worstFinding(c config.Condition) (worst incident.Finding, found bool) {
	for _, v := range o.reporting {
		if f, has := findingOf(v.sight.Result, c); has && v.sight.Result.Observed.Has(c) && (!found || f.WorseThan(worst)) {
			worst, found = f, true
		}
	}
	return worst, found
}

// say adds a finding. It is observed if a node that sees it has looked again, or if it is news; else one
// look of one node would count as many. Since is when the failure began; zero: with the newest probe.
func (o *Opinion) say(f incident.Finding, fresh bool, since time.Time) {
	f.From = o.from(f.Condition)
	o.Result.Findings = append(o.Result.Findings, f)
	o.ended = laterOf(o.ended, since)
	set := config.ConditionSet(f.Condition)
	if fresh || !o.failed.Has(f.Condition) {
		o.Result.Observed |= set
	}
	if !since.IsZero() {
		o.Result.Began = append(o.Result.Began, incident.Beginning{Condition: f.Condition, At: since})
	}
	o.failed |= set
	o.observed |= set
}

// sayWell says that a condition is well, if a node has looked again, or if it is news.
func (o *Opinion) sayWell(c config.Condition, fresh bool) {
	set := config.ConditionSet(c)
	if fresh || o.failed.Has(c) || !o.observed.Has(c) {
		o.Result.Observed |= set
	}
	o.failed &^= set
	o.observed |= set
}

// anyReporting reports whether something is so of one that reports.
func (o *Opinion) anyReporting(is func(*Sight) bool) bool { return o.count(is) > 0 }

// observes reports whether a node that reports could judge a condition.
func (o *Opinion) observes(c config.Condition) bool {
	return o.count(func(s *Sight) bool { return s.Result.Observed.Has(c) }) > 0
}

// count returns of how many that report something is so.
func (o *Opinion) count(is func(*Sight) bool) (n int) {
	for _, v := range o.reporting {
		if is(v.sight) {
			n++
		}
	}
	return n
}

// anyFresh reports whether something is so of a sight on which nothing was decided yet.
func (o *Opinion) anyFresh(is func(*Sight) bool) bool {
	return o.count(func(s *Sight) bool { return s.fresh && is(s) }) > 0
}

// failing returns when the failures began that the nodes see of a condition, the earliest first.
func (o *Opinion) failing(condition int) (began []time.Time) {
	for _, v := range o.reporting {
		if since, fails := v.sight.fails(condition); fails {
			began = append(began, since)
		}
	}
	return byTime(began)
}

// needed returns how many of those that report have to see the service fail. One node alone logs in, so
// a failure at the login nobody else can see.
func (o *Opinion) needed() int {
	if o.anyReporting((*Sight).failsAtLogin) {
		return 1
	}
	return o.Need()
}

// stillFails reports whether a node saw the service fail before it could not judge it.
func (o *Opinion) stillFails() bool {
	return slices.ContainsFunc(o.Voices, func(v Voice) bool { return v.Standing == Blind && v.sight.failsAt(0) })
}

// clock returns since when a failure counts: since enough of those that see it now did. Where too
// few report, it counts from when that began, since nobody can confirm what was before.
func (o *Opinion) clock(began []time.Time) time.Time {
	since := began[o.needed()-1]
	if o.Short() {
		since = laterOf(since, o.short)
	}
	return since
}

// yetToLook lists the nodes that have not looked since one of them changed its mind. Without waiting for
// them each outage would begin and end as one that is seen from some places only.
func (o *Opinion) yetToLook() (nodes []string) {
	var changed time.Time
	for _, v := range o.reporting {
		changed = laterOf(changed, v.sight.Changed)
	}
	for _, v := range o.reporting {
		if v.sight.Result.Started.Before(changed) {
			nodes = append(nodes, v.Node)
		}
	}
	return nodes
}

// Wake lists the nodes that should look now, since one of them has changed its mind.
func (o *Opinion) Wake() []string {
	if o.Verdict != Asking {
		return nil
	}
	return o.yetToLook()
}

// commonFinding returns the finding of one of pathConditions that most of the nodes give, or one with
// the cause of the incident, if any still has it.
func (o *Opinion) commonFinding(condition int) (common incident.Finding, found bool) {
	count := map[config.Cause]int{}
	for _, v := range o.reporting {
		f, ok := findingOf(v.sight.Result, pathConditions[condition])
		if !ok || !v.sight.failsAt(condition) {
			continue
		}
		count[f.Cause]++
		if !found || o.weight(f.Cause, count) > o.weight(common.Cause, count) {
			common, found = f, true
		}
	}
	common.Condition = pathConditions[condition]
	return common, found
}

// weight orders causes by how many nodes give them, that of the incident first.
func (o *Opinion) weight(cause config.Cause, count map[config.Cause]int) int {
	if cause == o.Rule.Cause {
		return len(o.Voices) + count[cause]
	}
	return count[cause]
}
