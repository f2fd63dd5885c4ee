package agree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// String says in a line what the nodes see: "down from 2 of 3 nodes: frankfurt, london; well from
// new-york".
func (o *Opinion) String() string {
	failing := o.places(func(v *Voice) bool { return v.Standing == Failing })
	well := o.places(func(v *Voice) bool { return v.Standing == Well })
	var text string
	switch o.Verdict {
	case Nothing:
		text = "no node reports"
	case Agreed:
		text = "well from " + list(well)
	case Asking:
		text = "fails from " + list(failing) + ", asking " + list(o.yetToLook())
	case Local:
		text = "fails from " + list(failing) + "; well from " + list(well)
	case Fails:
		return "down from " + o.from(config.ConditionService)
	}
	return strings.Join(append([]string{text}, o.others()...), "; ")
}

// from says which nodes see a finding, and which do not: "2 of 3 nodes: frankfurt, london; well from
// new-york".
func (o *Opinion) from(c config.Condition) string {
	seen := func(v *Voice) bool { return v.reports() && v.sight.sees(c) }
	places, count := o.places(seen), 0
	for i := range o.Voices {
		if seen(&o.Voices[i]) {
			count++
		}
	}
	var parts []string
	switch {
	case len(o.Voices) == 1:
		return list(places)
	case c == config.ConditionService && count < o.Need() && o.needed() == 1:
		parts = append(parts, list(places)+", the only node that logs in")
		return strings.Join(append(parts, o.others()...), "; ")
	case o.Short() && c == config.ConditionService:
		parts = append(parts, list(places), only(o.nodes(seen)))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d nodes: %s", count, len(o.Voices), list(places)))
	}
	well := o.places(func(v *Voice) bool { return v.reports() && !v.sight.sees(c) && v.sight.couldSee(c) })
	if len(well) > 0 {
		parts = append(parts, "well from "+list(well))
	}
	return strings.Join(append(parts, o.others()...), "; ")
}

// only says that no other nodes report than these, which are fewer than have to agree: "only lon1 reports".
func only(nodes []string) string {
	if len(nodes) == 1 {
		return "only " + nodes[0] + " reports"
	}
	return "only " + joinWithAnd(nodes) + " report"
}

// sees reports whether the node sees a condition fail.
func (s *Sight) sees(c config.Condition) bool {
	if c == config.ConditionLocation {
		c = config.ConditionService
	}
	if i := slices.Index(pathConditions[:], c); i >= 0 {
		return s.failsAt(i)
	}
	return failsIn(s.Result, c)
}

// couldSee reports whether the node could judge a condition.
func (s *Sight) couldSee(c config.Condition) bool {
	return c == config.ConditionLocation || s.Result.Observed.Has(c)
}

// notReporting are the words for those that do not count, in the order in which they are said.
var notReporting = []struct {
	standing  Standing
	one, many string
}{
	{Silent, "is silent", "are silent"},
	{Blind, "cannot judge", "cannot judge"},
	{Different, "runs other files", "run other files"},
	{Outvoted, "itself is at fault", "themselves are at fault"},
}

// others says who does not count, and why.
func (o *Opinion) others() (parts []string) {
	for _, words := range notReporting {
		nodes := o.nodes(func(v *Voice) bool { return v.Standing == words.standing })
		switch len(nodes) {
		case 0:
		case 1:
			parts = append(parts, nodes[0]+" "+words.one)
		default:
			parts = append(parts, joinWithAnd(nodes)+" "+words.many)
		}
	}
	return parts
}

// locationHint says from where the service fails: "Times out from fra1; is well from nyc1, lon1."
func (o *Opinion) locationHint() string {
	var parts []string
	var causes []config.Cause
	for i := range o.Voices {
		v := &o.Voices[i]
		if v.Standing != Failing {
			continue
		}
		cause := v.sight.cause()
		if slices.Contains(causes, cause) {
			continue
		}
		causes = append(causes, cause)
		nodes := list(o.nodes(func(v *Voice) bool {
			return v.Standing == Failing && v.sight.cause() == cause
		}))
		switch text := cause.Text(); {
		case cause == config.CauseTimeout:
			parts = append(parts, "times out from "+nodes)
		case text == "": // of a newer version
			parts = append(parts, "fails from "+nodes)
		default:
			parts = append(parts, "fails from "+nodes+" ("+text+")")
		}
	}
	well := o.nodes(func(v *Voice) bool { return v.Standing == Well })
	text := strings.Join(append(parts, "is well from "+list(well)), "; ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// places lists the locations of some voices. Where a location has several nodes, the node is named, too.
func (o *Opinion) places(is func(*Voice) bool) (places []string) {
	for i := range o.Voices {
		if v := &o.Voices[i]; is(v) {
			places = append(places, o.place(v))
		}
	}
	return places
}

// place names where a voice comes from.
func (o *Opinion) place(v *Voice) string {
	for i := range o.Voices {
		if other := &o.Voices[i]; other.Node != v.Node && other.Location == v.Location {
			return v.Location + " (" + v.Node + ")"
		}
	}
	return v.Location
}

// nodes lists the names of some voices.
func (o *Opinion) nodes(is func(*Voice) bool) (nodes []string) {
	for i := range o.Voices {
		if is(&o.Voices[i]) {
			nodes = append(nodes, o.Voices[i].Node)
		}
	}
	return nodes
}

func list(words []string) string { return strings.Join(words, ", ") }

// joinWithAnd lists names as a sentence does: "fra1, nyc1 and lon1".
func joinWithAnd(names []string) string {
	if len(names) < 2 {
		return list(names)
	}
	return list(names[:len(names)-1]) + " and " + names[len(names)-1]
}
