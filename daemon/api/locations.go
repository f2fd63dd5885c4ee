package api

import (
	"slices"
	"strings"
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
	// Since is since when the node sees it fail so, as long as its daemon has run; null: it is well, or not known.
	Since *time.Time `json:"since"`
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
			Since: moment(s.Since),
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

// Asking says which nodes are to probe again, since another one has changed its mind: "fails from frankfurt;
// asking lon1, nyc1", or, where the check is known to fail, "asking fra1". It is empty when all have.
func (c *Check) Asking() string {
	var failing, asked []string
	for i := range c.Locations {
		l := &c.Locations[i]
		if l.Standing == "asking" {
			asked = append(asked, l.Node)
		}
		if l.State == incident.Down {
			failing = append(failing, l.Location)
		}
	}
	switch {
	case len(asked) == 0:
		return ""
	case c.State != incident.CheckOK || len(failing) == 0:
		return "asking " + strings.Join(asked, ", ")
	}
	return "fails from " + strings.Join(failing, ", ") + "; asking " + strings.Join(asked, ", ")
}

// IsUnreported reports whether several nodes are to probe the check, and nothing that one of them says
// counts.
func (c *Check) IsUnreported() bool {
	return c.State == incident.CheckUnknown && len(c.Locations) > 0 &&
		!slices.ContainsFunc(c.Locations, func(l Location) bool { return l.State != incident.Unknown })
}

// SeesNoLocations reports whether a node cannot know what the others see: only the node that decides does,
// and none is reached.
func (n *Node) SeesNoLocations() bool { return n != nil && n.Role == Following && n.Decider == "" }
