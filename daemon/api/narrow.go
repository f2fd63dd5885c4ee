package api

import (
	"context"
	"iter"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A view is what one visitor may see of a snapshot. What it leaves out is to them as if it did
// not exist.
type view struct {
	*tracker.Snapshot
	visitor *Visitor
}

// viewOf returns what whoever asks may see now.
func viewOf(ctx context.Context, d Daemon) (view, error) {
	s, err := d.Snapshot(ctx)
	return view{s, VisitorOf(ctx)}, err
}

// all reports whether the visitor sees everything.
func (v view) all() bool { return v.visitor.Groups == nil }

// seesID reports whether there is a check that the visitor may see.
func (v view) seesID(id config.CheckID) bool {
	c, known := v.Config.Checks[id]
	return known && v.visitor.Sees(c)
}

// seesIncidentsOf reports whether the visitor may see the incidents of a check. Those of a check
// that has left the files, and of the monitor itself, belong to no group.
func (v view) seesIncidentsOf(id config.CheckID) bool { return v.all() || v.seesID(id) }

// Checks yields the checks that the visitor sees, in the order of their ids.
func (v view) Checks() iter.Seq[tracker.Check] {
	return func(yield func(tracker.Check) bool) {
		for c := range v.Snapshot.Checks() {
			if v.visitor.Sees(c.Check) && !yield(c) {
				return
			}
		}
	}
}

// Incidents yields the incidents that the visitor sees.
func (v view) Incidents() iter.Seq[*tracker.IncidentState] {
	return func(yield func(*tracker.IncidentState) bool) {
		for in := range v.Snapshot.Incidents() {
			if v.seesIncidentsOf(in.Incident.Check) && !yield(in) {
				return
			}
		}
	}
}

// incidentOf returns an incident that the visitor sees.
func (v view) incidentOf(id incident.ID) (*tracker.IncidentState, error) {
	for in := range v.Incidents() {
		if other, has := v.Others[in.Incident.ID]; in.Incident.ID == id || has && other == id {
			return in, nil
		}
	}
	return nil, notFound("there is no incident %q", id)
}

// coversSeen counts the checks that a silence covers and the visitor sees, of all that it covers.
func (v view) coversSeen(s Silence) (seen, all int) {
	for id, c := range v.Config.Checks {
		if s.Scope.Role == "" && s.Covers(id, c, "", s.From) {
			all++
			if v.visitor.Sees(c) {
				seen++
			}
		}
	}
	return seen, all
}
