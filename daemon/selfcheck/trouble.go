package selfcheck

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// ID is the check that the monitor's own incident belongs to. No check in the
// files can have it: their names have no colon.
const ID config.CheckID = "imapvigil:monitor"

// Check describes the monitor as a check, for those who keep incidents: its
// roles are the daemon's own.
func Check(roles []config.RoleID, node string) *config.Check {
	return &config.Check{ID: ID, Label: "imapvigil on " + node, Enabled: true, Policy: policy, Roles: roles}
}

const (
	// observeEvery is how often the monitor observes itself.
	observeEvery = 15 * time.Second
	// confirmAfter is how much later a fault must happen again to be one that
	// lasts, holdFor how long it is one without happening again. What could not
	// be judged is probed again within a minute.
	confirmAfter = 15 * time.Second
	holdFor      = 3 * time.Minute
)

// A trouble is something wrong with this machine.
type trouble struct {
	finding     incident.Finding
	first, last time.Time // it happened
	stands      bool      // it is so until Well says otherwise
}

func (t trouble) current(now time.Time) bool {
	return t.stands || t.last.Sub(t.first) >= confirmAfter && now.Sub(t.last) < holdFor
}

// Trouble notes that something is wrong with the monitor itself until
// [Self.Well] is called with the same word: a journal that is not durable, say.
// The hint is what people read.
func (s *Self) Trouble(what string, cause incident.Cause, hint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubles[what] = trouble{stands: true, finding: incident.Finding{
		Condition: incident.Monitor, Health: incident.Degraded, Cause: cause, Hint: hint,
	}}
}

// Well takes a word back that Trouble has given.
func (s *Self) Well(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.troubles, what)
}

// blame notes the faults of this machine that came to light in a result.
func (s *Self) blame(r incident.Result, doubts []doubt) {
	if len(doubts) == 0 && !blamesSelf(r) && !slices.ContainsFunc(r.Addresses, local) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, d := range doubts {
		switch {
		case d.verdict == innocent && d.link != nil:
			d.link.bury(d.mine, now)
		case d.verdict != atFault:
		case d.link == nil:
			s.happened("clock", incident.Degraded, d.finding(), now)
		case len(d.mine) == 0 || d.link.suspects(d.mine):
			d.link.broken = true
			s.happened(d.link.name, incident.Down, d.finding(), now)
		}
	}
	if now.Sub(s.clock.jumped) < settling && !s.clock.jumped.IsZero() {
		return
	}
	if f, _ := r.Worst(); blamesSelf(r) {
		s.happened("probe", incident.Down, f, now)
	} else if i := slices.IndexFunc(r.Addresses, local); i >= 0 {
		a := r.Addresses[i]
		s.happened("probe", incident.Down, incident.Finding{Phase: a.Phase, Cause: a.Cause, Hint: a.Hint}, now)
	}
}

// local: this machine kept the probe from talking to the address.
func local(a incident.Address) bool {
	return a.Health == incident.Unknown && a.Cause == incident.CauseLocalFault
}

func (s *Self) happened(what string, h incident.Health, f incident.Finding, now time.Time) {
	t := s.troubles[what]
	if t.first.IsZero() || now.Sub(t.last) >= holdFor {
		t.first = now
	}
	f.Condition, f.Health = incident.Monitor, h
	t.finding, t.last = f, now
	s.troubles[what] = t
}

// Run observes the monitor itself until ctx ends.
func (s *Self) Run(ctx context.Context, observe func(context.Context, incident.Result) incident.Pace) error {
	turn := time.NewTicker(observeEvery)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
			observe(ctx, s.observation())
		}
	}
}

// observation is how the monitor is now, as the result of a probe.
func (s *Self) observation() incident.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.look(now)
	r := incident.Result{Check: ID, Started: now, Ended: now, Observed: incident.ConditionSet(incident.Monitor)}
	var hints []string
	for _, what := range slices.Sorted(maps.Keys(s.troubles)) {
		t := s.troubles[what]
		if !t.current(now) {
			continue
		}
		r.Findings = append(r.Findings, t.finding)
		hints = append(hints, t.finding.Hint)
	}
	if worst, bad := r.Worst(); bad {
		worst.Hint = strings.Join(hints, " ")
		r.Findings = []incident.Finding{worst}
	}
	return r
}
