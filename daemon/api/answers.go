package api

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The functions of this file make what pages, feeds and programs show, as whoever asks may see
// it: the visitor of ctx ([VisitorOf]).

// OwnStatusFor returns what `status --json` prints without the checks: how the daemon itself is.
func OwnStatusFor(ctx context.Context, d Daemon) (Status, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Status{}, err
	}
	self := d.Self()
	if !s.all() {
		self = self.forSome()
	}
	return newOwnStatus(s, self), nil
}

// CheckFor returns one check with all that is known of it. A check that the visitor does not see
// is a [Problem] with the status 404, as one that does not exist.
func CheckFor(ctx context.Context, d Daemon, id config.CheckID) (Check, error) {
	return checkInDetail(ctx, d, id)
}

// IncidentsFor returns what `incidents --json` prints.
func IncidentsFor(ctx context.Context, d Daemon) (Incidents, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Incidents{}, err
	}
	return newIncidents(s), nil
}

// IncidentFor returns what `incidents ID --json` prints of one incident: who is not notified of
// it now, too. An incident that the visitor does not see is a [Problem] with the status 404.
func IncidentFor(ctx context.Context, d Daemon, id incident.ID) (Incident, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Incident{}, err
	}
	state, err := s.incidentOf(id)
	if err != nil {
		return Incident{}, err
	}
	in := NewIncident(s.Snapshot, state)
	held, err := d.Explain(ctx, id)
	in.Held = newHeldList(held).Held
	return in, err
}

// DeliveriesFor returns what `deliveries --json` prints; all: those that have arrived or were
// dismissed too.
func DeliveriesFor(ctx context.Context, d Daemon, all bool) (Deliveries, error) {
	list, err := IncidentsFor(ctx, d)
	return NewDeliveries(list.Incidents, all), err
}

// SilencesFor returns what `silence list --json` prints; all: those that have ended and are
// remembered, too.
func SilencesFor(ctx context.Context, d Daemon, all bool) (Silences, error) {
	s, err := viewOf(ctx, d)
	if err != nil {
		return Silences{}, err
	}
	return newSilences(s, all), nil
}
