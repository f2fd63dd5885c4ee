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

// A failingChildren lists the checks that are failing too and that nobody is told of because a server is down. It
// is asked of each server once for all messages that are made together: thousands of its checks may fail at once.
type failingChildren struct {
	now      time.Time
	onServer map[config.ServerID][]string
}

// affected lists the checks that are failing too, and that nobody is told of
// because this one is down. Nobody may change the list.
func (t *Tracker) affected(in incident.Incident, found *failingChildren) []string {
	if !in.Open() || in.Condition != config.ConditionService {
		return nil
	}
	names := t.failing(t.dependencies.Children(config.Ref{Check: in.Check}))
	c, ok := t.cfg.Checks[in.Check]
	if !ok || c.Server == "" {
		return names
	}
	more := t.affectedByServer(c.Server, found)
	if len(names) == 0 {
		return more
	}
	names = append(names, more...)
	slices.Sort(names)
	return slices.Compact(names)
}

// affectedByServer lists the failing checks that depend on a server, if that is down.
func (t *Tracker) affectedByServer(id config.ServerID, found *failingChildren) []string {
	names, known := found.onServer[id]
	if !known {
		names = t.failing(t.dependencies.Children(config.Ref{Server: id}))
		if len(names) > 0 && !t.isServerDown(id, found.now) {
			names = nil
		}
		if found.onServer == nil {
			found.onServer = map[config.ServerID][]string{}
		}
		found.onServer[id] = names
	}
	return names
}

// isServerDown reports whether all checks of a server are reported as down.
func (t *Tracker) isServerDown(id config.ServerID, now time.Time) bool {
	siblings := t.dependencies.Siblings(id)
	isUp := func(id config.CheckID) bool { return !t.service(id).IsDown(now) }
	return len(siblings) > 0 && !slices.ContainsFunc(siblings, isUp)
}

// failing lists those of some checks whose service is failing, each once, in the order of ids.
func (t *Tracker) failing(checks []config.CheckID) (names []string) {
	for _, id := range checks {
		if in, ok := t.stateOf(id).Incident(config.ConditionService); ok && in.Live() {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
