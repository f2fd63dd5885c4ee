package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// companyTime is how long an opening waits to be told together with what is
// failing beside it, or for a parent that is failing, too.
const companyTime = 30 * time.Second

// openingDelay tells until when the opening of an incident waits: people's for other
// checks of its server that are failing but not reported yet, everybody's for
// what it depends on, however it fails: a gateway that is gone makes what is behind
// it time out, and a front end whose back end is gone says BYE. Zero: not at all.
func (t *Tracker) openingDelay(c *config.Check, in incident.Incident, now time.Time) (siblings, parents time.Time) {
	end := in.ReportedAt.Add(companyTime)
	if !in.Open() || !now.Before(end) || in.ReportedAt.After(now) {
		return siblings, parents
	}
	if unreachable(in) && slices.ContainsFunc(t.onServer[c.Server], func(id config.CheckID) bool {
		sibling, failing := t.failing(id)
		return failing && unreachable(sibling)
	}) {
		siblings = end
	}
	for _, parent := range t.parents(c) {
		if slices.ContainsFunc(t.members(parent), func(id config.CheckID) bool { _, failing := t.failing(id); return failing }) {
			parents = end
		}
	}
	return siblings, parents
}

// unreachable: the service fails before the server has said a word, so what is
// near may fail for the same reason.
func unreachable(in incident.Incident) bool {
	return in.Condition == config.ConditionService &&
		(in.Finding.Phase == config.PhaseDNS || in.Finding.Phase == config.PhaseConnect)
}

// failing gives the incident of a check whose service is failing and not reported
// yet.
func (t *Tracker) failing(id config.CheckID) (in incident.Incident, failing bool) {
	in, known := t.state(id).Incident(config.ConditionService)
	return in, known && in.Pending && !in.Recovering()
}

// wakePause keeps two checks from waking each other again and again.
const wakePause = 10 * time.Second

// wake has what is near probed at once when a check's service begins to fail: what
// it depends on, and in dns or connect the other checks of its server, too.
func (t *Tracker) wake(c *config.Check, events []incident.Event, r *round) {
	if t.Wake == nil {
		return
	}
	for _, e := range events {
		in, ok := t.state(c.ID).Incident(e.Condition)
		if !ok || e.Kind != incident.Failing || e.Condition != config.ConditionService {
			continue
		}
		var near []config.CheckID
		if unreachable(in) {
			near = t.onServer[c.Server]
		}
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
