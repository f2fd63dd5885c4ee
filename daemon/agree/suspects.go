package agree

import "time"

// A Record counts, of one node, the checks that some other node finds well, and how many of them
// it cannot connect to.
type Record struct{ WellElsewhere, Unreachable int }

// suspectAt is of how many checks a node has to fail to connect to before it is suspected: fewer may
// be the path to one network.
const suspectAt = 5

// Add counts what the members of a check see.
func Add(records map[string]Record, o *Opinion) {
	for _, v := range o.Voices {
		if v.sight == nil || v.Standing == Silent || v.Standing == Different || v.Standing == Blind {
			continue
		}
		since, fails := v.sight.fails(0)
		if !o.wellBut(v, since) {
			continue
		}
		r := records[v.Node]
		r.WellElsewhere++
		if fails && v.sight.failsToConnect() {
			r.Unreachable++
		}
		records[v.Node] = r
	}
}

// wellBut reports whether another node than that of a voice sees the service well, and none that
// is trusted sees it fail. What it saw before the node saw it fail is no evidence: when a service begins to
// fail, one node is always the first to see it.
func (o *Opinion) wellBut(but Voice, since time.Time) bool {
	well := false
	for _, v := range o.reporting {
		switch {
		case v.Node == but.Node:
		case v.Standing == Failing && !v.Suspect:
			return false
		case v.Standing == Well && !v.sight.Result.Started.Before(since):
			well = true
		}
	}
	return well
}

// Judge reports whether a node is suspected to be at fault itself: it fails to connect to more than
// half of its checks that are well elsewhere. One that was suspected before is so until it is
// below a quarter.
func Judge(r Record, before bool) bool {
	if before {
		return r.Unreachable*4 >= r.WellElsewhere && r.Unreachable > 0
	}
	return r.Unreachable >= suspectAt && r.Unreachable*2 > r.WellElsewhere
}
