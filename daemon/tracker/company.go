package tracker

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// companyTime is how long an opening waits to be told together with what is
// failing beside it, or for a parent that is failing, too.
const companyTime = 30 * time.Second

// company tells until when the opening of an incident waits: people's for other
// checks of its server that are failing but not reported yet, everybody's for
// what it depends on. Zero: not at all.
func (t *Tracker) company(c *config.Check, in incident.Incident, now time.Time) (siblings, parents time.Time) {
	end := in.ReportedAt.Add(companyTime)
	if !in.Open() || !unreachable(in) || !now.Before(end) || in.ReportedAt.After(now) {
		return siblings, parents
	}
	if t.anyFailing(t.onServer[c.Server]) {
		siblings = end
	}
	for _, parent := range t.parents(c) {
		if t.anyFailing(t.members(parent)) {
			parents = end
		}
	}
	return siblings, parents
}

// unreachable: the service fails before the server has said a word, so what is
// near may fail for the same reason.
func unreachable(in incident.Incident) bool {
	return in.Condition == incident.Service &&
		(in.Finding.Phase == incident.PhaseDNS || in.Finding.Phase == incident.PhaseConnect)
}

func (t *Tracker) anyFailing(ids []config.CheckID) bool {
	for _, id := range ids {
		if in, ok := t.state(id).Incident(incident.Service); ok && in.Pending && !in.Recovering() && unreachable(in) {
			return true
		}
	}
	return false
}

// wakePause keeps two checks from waking each other again and again.
const wakePause = 10 * time.Second

// wake has what is near probed at once when a check begins to fail in dns or
// connect: the other checks of its server, and what it depends on.
func (t *Tracker) wake(c *config.Check, events []incident.Event, r *round) {
	if t.Wake == nil {
		return
	}
	for _, e := range events {
		if in, ok := t.state(c.ID).Incident(e.Condition); !ok || e.Kind != incident.Failing || !unreachable(in) {
			continue
		}
		near := t.onServer[c.Server]
		for _, parent := range t.parents(c) {
			near = append(near[:len(near):len(near)], t.members(parent)...)
		}
		for _, id := range near {
			if n := t.known(id); id != c.ID && !n.state.Live() && r.now.Sub(n.woken) >= wakePause {
				n.woken = r.now
				r.replies = append(r.replies, func() { t.Wake(id) })
			}
		}
	}
}
