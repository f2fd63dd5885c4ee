package outbox

import (
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// siblingTime is how long an opening waits to be told together with what is
// failing beside it, or for a parent that is failing, too.
const siblingTime = 30 * time.Second

// Dependencies say what the checks of a configuration depend on, and which checks
// servers have. They never change.
type Dependencies struct {
	checks   map[config.CheckID]*config.Check
	onServer map[config.ServerID][]config.CheckID // without the paused ones
	parents  map[config.CheckID][]config.Ref
	children map[config.Ref][]config.CheckID
}

// NewDependencies returns the dependencies of a configuration.
func NewDependencies(cfg *config.Config) *Dependencies {
	d := &Dependencies{
		checks: cfg.Checks, onServer: map[config.ServerID][]config.CheckID{},
		parents: map[config.CheckID][]config.Ref{}, children: map[config.Ref][]config.CheckID{},
	}
	// In the order of ids, so that a configuration always gives the same lists.
	for _, id := range slices.Sorted(maps.Keys(cfg.Checks)) {
		if c := cfg.Checks[id]; c.Server != "" && c.Enabled {
			d.onServer[c.Server] = append(d.onServer[c.Server], id)
		}
	}
	d.findParents(cfg)
	for _, id := range slices.Sorted(maps.Keys(d.parents)) {
		for _, parent := range d.parents[id] {
			d.children[parent] = append(d.children[parent], id)
		}
	}
	return d
}

// Parents lists what a check depends on: what it and its server name in depends_on,
// and for what is paused there, what that depends on.
func (d *Dependencies) Parents(id config.CheckID) []config.Ref {
	if d == nil {
		return nil
	}
	return d.parents[id]
}

// Children lists the checks that depend on a check or server.
func (d *Dependencies) Children(ref config.Ref) []config.CheckID { return d.children[ref] }

// Members lists the checks that a reference stands for, without the paused ones.
func (d *Dependencies) Members(ref config.Ref) []config.CheckID {
	if ref.Server != "" {
		return d.Siblings(ref.Server)
	}
	if c, ok := d.checks[ref.Check]; ok && c.Enabled {
		return []config.CheckID{ref.Check}
	}
	return nil
}

// Siblings lists the checks of a server, without the paused ones.
func (d *Dependencies) Siblings(server config.ServerID) []config.CheckID {
	if d == nil {
		return nil
	}
	return d.onServer[server]
}

// namedParents lists what a check and its server name in depends_on.
func namedParents(cfg *config.Config, c *config.Check) []config.Ref {
	if s, ok := cfg.Servers[c.Server]; ok && len(s.DependsOn) > 0 {
		return slices.Concat(c.DependsOn, s.DependsOn)
	}
	return c.DependsOn
}

// findParents fills in what each check depends on.
func (d *Dependencies) findParents(cfg *config.Config) {
	paused := map[config.ServerID][]*config.Check{}
	for _, c := range cfg.Checks {
		if !c.Enabled && c.Server != "" {
			paused[c.Server] = append(paused[c.Server], c)
		}
	}
	for id, c := range cfg.Checks {
		refs := namedParents(cfg, c)
		// What is paused is not probed and nothing is known of it, but what it depends on may
		// be down.
		if slices.ContainsFunc(refs, func(r config.Ref) bool { return len(d.Members(r)) == 0 }) {
			refs = d.replacePaused(cfg, refs, paused, nil)
		}
		if len(refs) > 0 {
			d.parents[id] = refs
		}
	}
}

// replacePaused replaces references to what is paused as a whole by what that depends on;
// found are those that are known already.
func (d *Dependencies) replacePaused(
	cfg *config.Config, refs []config.Ref, paused map[config.ServerID][]*config.Check, found []config.Ref,
) []config.Ref {
	for _, r := range refs {
		if slices.Contains(found, r) {
			continue
		}
		found = append(found, r) // also of what is paused, so that a circle ends
		if len(d.Members(r)) > 0 {
			continue
		}
		if c, ok := cfg.Checks[r.Check]; ok {
			found = d.replacePaused(cfg, namedParents(cfg, c), paused, found)
		}
		if s, ok := cfg.Servers[r.Server]; ok {
			found = d.replacePaused(cfg, s.DependsOn, paused, found)
		}
		for _, c := range paused[r.Server] {
			found = d.replacePaused(cfg, c.DependsOn, paused, found)
		}
	}
	return found
}

// A Service is how the service of a check is, for what stands beside the check or
// depends on it.
type Service struct {
	Incident incident.Incident // the current or last one of the condition service; zero: none
	// Observed: the service was observed since the start or the end of its pause, or
	// an incident of the check is live.
	Observed bool
}

// Unconfirmed reports whether the service is failing and not reported yet.
func (s Service) Unconfirmed() bool { return s.Incident.Unconfirmed && !s.Incident.Recovering() }

// Undecided reports whether it is not known yet whether the service is down: it was not
// observed since the start or a pause, or fails and is not reported.
func (s Service) Undecided() bool { return s.Unconfirmed() || !s.Observed }

// down reports whether the service is reported as down at a time, or was so lately;
// until is zero while it still is.
func (s Service) down(at time.Time, grace time.Duration) (until time.Time, down bool) {
	in := &s.Incident
	switch {
	case in.Reported == 0 || at.Before(in.ReportedAt) || in.Severity != config.SeverityDown:
		return time.Time{}, false
	case in.Open():
		return time.Time{}, true
	}
	// From the end of the failure on the child has its own tolerance to get well, too; and the
	// end counts only once it is certain.
	until = latest(in.EndedAt.Add(grace), in.ClosedAt)
	return until, at.Before(until)
}

// IsDown reports whether the service is reported as down at a time.
func (s Service) IsDown(at time.Time) bool {
	_, down := s.down(at, 0)
	return down
}

// decidedWell reports whether the service is known to be well at a time, and has been for
// longer than grace.
func (s Service) decidedWell(at time.Time, grace time.Duration) bool {
	_, down := s.down(at, grace)
	return !down && !s.Undecided()
}

// Unreachable reports whether the service of an incident's check fails before the server
// has said a word, so that what is near may fail for the same reason.
func Unreachable(in *incident.Incident) bool {
	return in.Condition == config.ConditionService &&
		(in.Finding.Phase == config.PhaseDNS || in.Finding.Phase == config.PhaseConnect)
}

// AwaitsSiblings reports whether the opening of an incident would wait now for other
// checks of its server that are failing.
func AwaitsSiblings(in *incident.Incident, now time.Time) bool {
	return reportedJustNow(in, now) && Unreachable(in)
}

// reportedJustNow reports whether an incident was reported so short a time ago that its opening
// may wait for others.
func reportedJustNow(in *incident.Incident, now time.Time) bool {
	return in.Open() && now.Before(in.ReportedAt.Add(siblingTime)) && !in.ReportedAt.After(now)
}

// siblingDelay returns the time until which the opening of an incident, to people, waits
// for other checks of its server that are failing but not reported yet; zero: it does not
// wait.
func (w *World) siblingDelay(s *Subject, now time.Time) (until time.Time) {
	if s.Config == nil || !AwaitsSiblings(&s.Incident, now) {
		return until
	}
	if slices.ContainsFunc(w.Dependencies.Siblings(s.Config.Server), func(id config.CheckID) bool {
		sibling := w.Services[id]
		return sibling.Unconfirmed() && Unreachable(&sibling.Incident)
	}) {
		return s.ReportedAt.Add(siblingTime)
	}
	return until
}

// parentDelay returns until when the opening of an incident, to everybody, waits for what
// its check depends on, however that fails: a gateway that is gone makes what is behind
// it time out, and a front end whose back end is gone says BYE.
func (w *World) parentDelay(s *Subject, now time.Time) (h hold) {
	if s.Config == nil || !reportedJustNow(&s.Incident, now) {
		return h
	}
	parents := w.Dependencies.Parents(s.Config.ID)
	for i, parent := range parents {
		failing := func(id config.CheckID) bool { return w.Services[id].Unconfirmed() }
		if slices.ContainsFunc(w.Dependencies.Members(parent), failing) {
			return hold{reason: HeldByDependency, until: s.ReportedAt.Add(siblingTime), parent: &parents[i]}
		}
	}
	return h
}

// parentDown holds what is about a check while something that it depends on is down, or
// was so lately that the check has not had its own tolerance since to get well, too.
func (w *World) parentDown(c *config.Check, at time.Time) hold {
	if c == nil || len(w.Dependencies.Parents(c.ID)) == 0 {
		return hold{}
	}
	return w.chainDown(c.ID, at, c.Policy.FaultTolerance, nil)
}

// chainDown looks at what a check depends on, and behind a parent of which nothing
// is decided at what that depends on: one that comes back from a pause or has just
// begun to fail is no reason to tell of what is down because of a third. passed are
// the checks on the way.
func (w *World) chainDown(id config.CheckID, at time.Time, grace time.Duration, passed []config.CheckID) hold {
	passed = append(passed, id)
	parents := w.Dependencies.Parents(id)
	for i, parent := range parents {
		members := w.Dependencies.Members(parent)
		if until, down := w.allDown(members, at, grace); down {
			return hold{reason: HeldByDependency, until: until, parent: &parents[i]}
		}
		if slices.ContainsFunc(members, func(m config.CheckID) bool { return w.Services[m].decidedWell(at, grace) }) {
			continue // a server with a check that is well
		}
		for _, member := range members {
			// The files refuse a circle; one would end here all the same. Behind a member
			// that is decided nothing has to be asked.
			if slices.Contains(passed, member) || !w.Services[member].Undecided() {
				continue
			}
			if h := w.chainDown(member, at, grace, passed); h.holds() {
				// As soon as one of its checks is well this parent is, and holds nothing any
				// more.
				h.until = earliestKnown(h.until, w.firstWell(members, at, grace))
				return h
			}
		}
	}
	return hold{}
}

// firstWell returns when the first of some checks that were down lately counts as well;
// zero: none was.
func (w *World) firstWell(members []config.CheckID, at time.Time, grace time.Duration) (first time.Time) {
	for _, id := range members {
		if until, down := w.Services[id].down(at, grace); down && !w.Services[id].Undecided() {
			first = earliestKnown(first, until)
		}
	}
	return first
}

// allDown reports whether all of some checks are down, and until when at least: a server
// is down when all of its checks are.
func (w *World) allDown(members []config.CheckID, at time.Time, grace time.Duration) (until time.Time, down bool) {
	for _, id := range members {
		end, down := w.Services[id].down(at, grace)
		if !down {
			return time.Time{}, false
		}
		// One check that is well is enough for the server to be so.
		until = earliestKnown(until, end)
	}
	return until, len(members) > 0
}
