package agree

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Member is a node that is to probe a check.
type Member struct {
	Node, Location string
	// Silent says that nothing is heard of the node.
	Silent bool
	// Suspect says that the node itself is at fault: see [Judge].
	Suspect bool
}

// A Rule is how the nodes of a check agree.
type Rule struct {
	Agree    int           // so many nodes have to see a failure
	Fresh    time.Duration // how old the sight of a node may be: two intervals and the timeout
	Settings uint64        // those of the check, as whoever decides has them
	// Cause is that of the incident which is open; empty: there is none. It stays as long as a
	// node gives it.
	Cause config.Cause
}

// A View is what the nodes saw of one check last.
type View struct {
	sights []Sight
	course
}

// A course is what a View remembers of what was agreed on before.
type course struct {
	// short is when fewer nodes than have to agree began to report; zero: enough do.
	short time.Time
	// well is when the service was last known not to fail as far as the nodes agree. A node that could not
	// judge for a while, or was silent, may have seen it fail before, and not since.
	well time.Time
	// failed are the conditions that were said to fail when they were last observed.
	failed config.Conditions
	// observed are those that were observed at all so far.
	observed config.Conditions
	// ended is when the newest probe was over on which anything was said.
	ended time.Time
	// atLogin says that the service fails where one node alone can see it.
	atLogin bool
}

// NewView returns the view of somebody who begins to decide at a time. Until enough nodes have
// reported, no failure began before.
func NewView(began time.Time) View { return View{course: course{short: began}} }

// Take keeps the sight of a node, unless a newer one is there, and reports whether it was kept.
func (v *View) Take(s Sight) bool {
	i := slices.IndexFunc(v.sights, func(had Sight) bool { return had.Node == s.Node })
	switch {
	case i < 0:
		v.sights = append(v.sights, s)
	case s.Result.Started.After(v.sights[i].Result.Started):
		v.sights[i] = s
	default:
		return false
	}
	return true
}

// sightOf returns the last sight of a node; nil: it has none.
func (v *View) sightOf(node string) *Sight {
	for i := range v.sights {
		if v.sights[i].Node == node {
			return &v.sights[i]
		}
	}
	return nil
}

// A Standing says what became of the sight of a node.
type Standing string

// The standings.
const (
	Well      Standing = "well"
	Failing   Standing = "failing"
	Silent    Standing = "silent"   // not heard of, or its last sight is too old
	Blind     Standing = "unknown"  // it could not judge: its own network, resolver or clock
	Different Standing = "settings" // it runs other settings of this check
	Outvoted  Standing = "at fault" // it fails to connect to what is well elsewhere
	Asked     Standing = "asking"   // it has not looked since another one changed its mind
)

// A Voice is a member and what became of its sight.
type Voice struct {
	Member
	Standing Standing
	sight    *Sight // nil where it is silent
}

// voice judges the sight of a member.
func (v *View) voice(m Member, rule Rule, now time.Time) Voice {
	s := v.sightOf(m.Node)
	voice := Voice{Member: m, Standing: Well, sight: s}
	switch {
	case m.Silent, s == nil, now.Sub(s.Result.Started) > rule.Fresh:
		voice.Standing = Silent
	case s.Settings != rule.Settings:
		voice.Standing = Different
	case !s.judged():
		voice.Standing = Blind
	default:
		if _, fails := s.fails(0); fails {
			voice.Standing = Failing
			if m.Suspect && s.failsToConnect() {
				voice.Standing = Outvoted
			}
		}
	}
	return voice
}

// failsToConnect reports whether the node does not get through to the service at all.
func (s *Sight) failsToConnect() bool {
	f, found := s.finding(0)
	return found && (f.Phase == config.PhaseDNS || f.Phase == config.PhaseConnect)
}

// reports reports whether the voice counts.
func (v Voice) reports() bool { return v.Standing == Well || v.Standing == Failing }

// Agree returns what the members see together. It remembers since when too few of them report, and
// which sights were decided on: what was said on them is said again when a node has looked again,
// since it would count twice.
func (v *View) Agree(members []Member, rule Rule, now time.Time) (o Opinion) {
	o.hear(v, members, rule, now)
	o.decide()
	v.course = o.course
	for i := range v.sights {
		v.sights[i].fresh = false
	}
	return o
}

// hear begins an opinion: it judges the sight of each member.
func (o *Opinion) hear(v *View, members []Member, rule Rule, now time.Time) {
	*o = Opinion{Rule: rule, Now: now, Voices: o.Voices[:0], reporting: o.reporting[:0], course: v.course}
	for _, m := range members {
		voice := v.voice(m, rule, now)
		o.Voices = append(o.Voices, voice)
		if voice.reports() {
			o.reporting = append(o.reporting, voice)
		}
	}
	switch enough := len(o.reporting) >= rule.Agree; {
	case enough:
		o.short = time.Time{}
	case o.short.IsZero():
		o.short = now
	}
}

// byTime sorts times, the earliest first.
func byTime(times []time.Time) []time.Time {
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
