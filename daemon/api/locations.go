package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A Location is what one node of several sees of a check.
type Location struct {
	Node     string `json:"node"`
	Location string `json:"location"`
	// State is ok, degraded or down, or unknown where what the node says does not count.
	State incident.Health `json:"state"`
	// Standing is what became of what the node saw: "well" and "failing" count; "asking": it is to probe
	// again, because another node has changed its mind; "silent": nothing recent is known; "unknown": it
	// could not judge; "settings": it runs other settings of the check; "at fault": it fails to connect to
	// what is well elsewhere.
	Standing string `json:"standing"`
	// Phase, Cause, Hint and Evidence are the worst that it saw; empty: it saw nothing wrong, or nothing is
	// known.
	Phase    string       `json:"phase"`
	Cause    string       `json:"cause"`
	Hint     string       `json:"hint"`
	Evidence opaque.Words `json:"evidence"`
	At       *time.Time   `json:"at"` // when its last probe began; null: none is known
	// TookMS is how long the longest conversation of that probe took which came to an end; null: none did.
	TookMS *float64 `json:"took_ms"`
}

// newLocations returns what each node sees of a check; empty: one machine watches on its own.
func newLocations(r *incident.Result) []Location {
	list := []Location{} // JSON says [], not null
	if r == nil {
		return list
	}
	for i := range r.Sightings {
		s := &r.Sightings[i]
		l := Location{
			Node: s.Node, Location: s.Location, State: s.Health, Standing: s.Standing,
			Phase: s.Phase.String(), Cause: string(s.Cause), Hint: s.Hint, Evidence: s.Evidence, At: moment(s.At),
		}
		if s.Took > 0 {
			took := Milliseconds(s.Took)
			l.TookMS = &took
		}
		list = append(list, l)
	}
	return list
}

// Remark says why what the node saw does not count, or what it was asked to do; empty: it counts.
func (l *Location) Remark() string {
	switch l.Standing {
	case "silent":
		return "is silent"
	case "unknown":
		return "cannot judge"
	case "settings":
		return "runs other files"
	case "at fault":
		return "is at fault itself"
	case "asking":
		return "is asked to probe again"
	}
	return ""
}
