package tracker

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// wakePause keeps two checks from having each other probed again and again.
const wakePause = 10 * time.Second

// probeNeighbours has what is near probed at once when a check's service begins to fail:
// what it depends on, and in dns or connect the other checks of its server, too.
func (t *Tracker) probeNeighbours(c *config.Check, events []incident.Event, r *round) {
	if t.Wake == nil {
		return
	}
	for _, e := range events {
		in, ok := t.stateOf(c.ID).Incident(e.Condition)
		if !ok || e.Kind != incident.Failing || e.Condition != config.ConditionService {
			continue
		}
		var near []config.CheckID
		if outbox.Unreachable(&in) {
			near = t.dependencies.Siblings(c.Server)
		}
		for _, parent := range t.dependencies.Parents(c.ID) {
			// Capped: the list of siblings belongs to the dependencies, which never change.
			near = append(near[:len(near):len(near)], t.dependencies.Members(parent)...)
		}
		for _, id := range near {
			n, at := t.ensureCheck(id), r.now.Sub(t.wokenFrom)
			if id != c.ID && !n.state.Live() && at-n.woken >= wakePause {
				n.woken = at
				// Nothing leaves the tracker before the round is journaled.
				r.replies = append(r.replies, func() { t.Wake(id) })
			}
		}
	}
}

// touchNeighbours has the incidents looked at for which it matters how a check's service
// is: those of the other checks of its server, and of what depends on it or on its server.
func (t *Tracker) touchNeighbours(id config.CheckID) {
	if c, ok := t.cfg.Checks[id]; ok && c.Server != "" {
		for _, sibling := range t.dependencies.Siblings(c.Server) {
			t.touch(sibling)
		}
	}
	t.touchDependents(id)
}

// touchDependents has the incidents looked at of what depends on a check or on its server.
// Behind what is not decided yet it goes on, since that waits for the check, too: it is
// the way of [outbox.World.parentDown], walked from the other end.
func (t *Tracker) touchDependents(id config.CheckID) {
	reached := map[config.CheckID]bool{id: true}
	for on := []config.CheckID{id}; len(on) > 0; on = on[1:] {
		children := t.dependencies.Children(config.Ref{Check: on[0]})
		if c, ok := t.cfg.Checks[on[0]]; ok && c.Server != "" {
			children = slices.Concat(children, t.dependencies.Children(config.Ref{Server: c.Server}))
		}
		for _, child := range children {
			if reached[child] {
				continue
			}
			reached[child] = true
			t.touch(child)
			if t.service(child).Undecided() {
				on = append(on, child)
			}
		}
	}
}

// affected lists the checks that are failing too, and that nobody is told of
// because this one is down.
func (t *Tracker) affected(in incident.Incident, now time.Time) (names []string) {
	if !in.Open() || in.Condition != config.ConditionService {
		return nil
	}
	list := t.dependencies.Children(config.Ref{Check: in.Check})
	if c, ok := t.cfg.Checks[in.Check]; ok && c.Server != "" {
		var services []outbox.Service
		for _, id := range t.dependencies.Siblings(c.Server) {
			services = append(services, t.service(id))
		}
		if outbox.AllDown(services, now) {
			list = slices.Concat(list, t.dependencies.Children(config.Ref{Server: c.Server}))
		}
	}
	for _, id := range list {
		if child, ok := t.stateOf(id).Incident(config.ConditionService); ok && child.Live() {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
