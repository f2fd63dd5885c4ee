package agree

import (
	"fmt"
	"slices"
	"strings"
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
	// Result is what a single machine would have seen; its Observed is empty where there is
	// nothing to say.
	Result incident.Result
	// Location is the finding that some nodes alone see it fail; nil: they do not.
	Location *incident.Finding
	// LocationObserved says that it is known whether they do.
	LocationObserved bool

	reporting []Voice
	short     time.Time
	well      time.Time
}

// Need is how many of those that report have to see a failure: with too few, all of them.
func (o *Opinion) Need() int { return min(o.Rule.Agree, len(o.reporting)) }

// Short reports whether fewer nodes report than have to agree, so that the failure was decided by
// those that are left.
func (o *Opinion) Short() bool { return len(o.reporting) < o.Rule.Agree }

func (o *Opinion) decide() {
	r, any := newest(o.reporting)
	if !any {
		o.Verdict = Nothing
		return
	}
	o.Result = incident.Result{
		Check: r.Check, Started: r.Started, Ended: r.Ended, Target: r.Target, Notes: r.Notes,
		Observed: observed(o.reporting),
	}
	for _, v := range o.reporting {
		o.Result.Addresses = append(o.Result.Addresses, v.sight.Result.Addresses...)
	}
	o.decideService()
	if o.Verdict != Fails {
		o.decideMilder()
	}
	o.addFindingsOfOne()
}

// decideService decides whether the service fails, and since when.
func (o *Opinion) decideService() {
	began := o.failing(0)
	switch {
	case len(began) == 0:
		o.Verdict, o.LocationObserved = Agreed, true
	case len(began) >= o.Need():
		o.Verdict = Fails
		o.add(0)
		o.Result.Started = laterOf(o.clock(began), o.well)
		// What works beyond the service nobody can see now.
		o.Result.Observed &^= config.ConditionSet(config.ConditionAddresses, config.ConditionLatency)
	case o.allHaveLooked():
		o.Verdict, o.LocationObserved = Local, true
		f, _ := o.commonFinding(0)
		o.Location = &f
	default:
		o.Verdict = Asking
	}
}

// decideMilder decides what is said of addresses and latency.
func (o *Opinion) decideMilder() {
	for i := 1; i < len(pathConditions); i++ {
		if !o.Result.Observed.Has(pathConditions[i]) {
			continue
		}
		// Who sees the service fail counts here; who alone does is no reason to say so.
		if began := o.failing(i); len(began) >= o.Need() && len(began) > len(o.failing(0)) {
			o.add(i)
			o.Result.Started = o.clock(began)
		}
	}
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

// clock returns since when a failure counts: since enough of those that see it now did. Where too
// few report, it counts from when that began, since nobody can confirm what was before.
func (o *Opinion) clock(began []time.Time) time.Time {
	since := began[o.Need()-1]
	if o.Short() {
		since = laterOf(since, o.short)
	}
	return since
}

// allHaveLooked reports whether each node has looked since one of them last changed its mind. Without
// that each outage would begin and end as one that is seen from some places only.
func (o *Opinion) allHaveLooked() bool {
	var changed time.Time
	for _, v := range o.reporting {
		changed = laterOf(changed, v.sight.Changed)
	}
	return !slices.ContainsFunc(o.reporting, func(v Voice) bool { return v.sight.Result.Started.Before(changed) })
}

// add adds what the nodes find of a condition.
func (o *Opinion) add(condition int) {
	if f, ok := o.commonFinding(condition); ok {
		f.Condition = pathConditions[condition]
		o.Result.Findings = append(o.Result.Findings, f)
	}
}

// commonFinding returns the finding that most of the nodes give, or one with the cause of the
// incident, if any still has it.
func (o *Opinion) commonFinding(condition int) (common incident.Finding, found bool) {
	count := map[config.Cause]int{}
	for _, v := range o.reporting {
		if _, fails := v.sight.fails(condition); !fails {
			continue
		}
		f, ok := v.sight.finding(condition)
		if !ok {
			continue
		}
		count[f.Cause]++
		n, best := count[f.Cause], count[common.Cause]
		if f.Cause == o.Rule.Cause {
			n += len(o.Voices)
		}
		if common.Cause == o.Rule.Cause && found {
			best += len(o.Voices)
		}
		if !found || n > best {
			common, found = f, true
		}
	}
	return common, found
}

// addFindingsOfOne adds what one node is enough for, from the node that sees the worst.
func (o *Opinion) addFindingsOfOne() {
	for c := range o.Result.Observed.All() {
		if slices.Contains(pathConditions[:], c) {
			continue
		}
		var worst incident.Finding
		for _, v := range o.reporting {
			for _, f := range v.sight.Result.Findings {
				if f.Condition == c && (worst.Condition == "" || f.WorseThan(worst)) {
					worst = f
				}
			}
		}
		if worst.Condition != "" {
			o.Result.Findings = append(o.Result.Findings, worst)
		}
	}
}

// Places lists the locations of the voices of a standing, each once.
func (o *Opinion) Places(s Standing) (places []string) {
	for _, v := range o.Voices {
		if v.Standing == s && !slices.Contains(places, v.Location) {
			places = append(places, v.Location)
		}
	}
	return places
}

// String says in a line what the nodes see: "down from 2 of 3 nodes: frankfurt, london; well from
// new-york".
func (o *Opinion) String() string {
	failing, well := o.Places(Failing), o.Places(Well)
	var parts []string
	switch o.Verdict {
	case Nothing:
		parts = append(parts, "no node reports")
	case Agreed:
		parts = append(parts, "well from "+list(well))
	case Asking:
		parts = append(parts, "fails from "+list(failing)+", asking "+list(o.yetToLook()))
	case Local:
		parts = append(parts, "fails from "+list(failing), "well from "+list(well))
	case Fails:
		n := len(o.failing(0))
		parts = append(parts, fmt.Sprintf("down from %d of %d nodes: %s", n, len(o.reporting), list(failing)))
		if o.Short() {
			parts[0] = fmt.Sprintf("down from %s, and only %d of %d nodes report", list(failing), len(o.reporting), len(o.Voices))
		}
		if len(well) > 0 {
			parts = append(parts, "well from "+list(well))
		}
	}
	for _, other := range []struct {
		standing Standing
		words    string
	}{
		{Silent, "%s is silent"}, {Blind, "%s cannot judge"}, {Different, "%s runs other settings"}, {Outvoted, "%s itself is at fault"},
	} {
		for _, v := range o.Voices {
			if v.Standing == other.standing {
				parts = append(parts, fmt.Sprintf(other.words, v.Node))
			}
		}
	}
	return strings.Join(parts, "; ")
}

// yetToLook lists the nodes that have not looked since one of them changed its mind.
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

func list(words []string) string { return strings.Join(words, ", ") }
