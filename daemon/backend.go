package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// The monitor is what the control socket talks to.
var _ api.Daemon = (*monitor)(nil)

// Snapshot implements [api.Daemon].
func (m *monitor) Snapshot(ctx context.Context) (*tracker.Snapshot, error) {
	t, s, err := m.deciding.snapshot(ctx)
	if err == nil && m.member != nil && t == m.deciding.own {
		s.Others = m.deciding.others(ctx, s)
	}
	return s, err
}

// NextProbe implements [api.Daemon].
func (m *monitor) NextProbe(id config.CheckID) time.Time { return m.loop.Next(id) }

// Self implements [api.Daemon].
func (m *monitor) Self() api.Self {
	self := api.Self{
		Config: m.reloads.configState(), Notes: routeNotes(m.prober.LeftOut()), Probes: m.punctuality(time.Now(), m.loop.Waiting()),
		History: api.NewHistory(m.history.Health()), Destinations: m.proofs.destinations(m.reloads.configInForce()),
	}
	if m.LogState != nil {
		self.Log = m.LogState()
		self.Notes = append(self.Notes, logNotes(self.Log, time.Now())...)
	}
	self.Notes = append(self.Notes, m.channels.listeners.notes()...)
	if note := m.page.Note(); note != "" {
		self.Notes = append(self.Notes, note)
	}
	if m.member != nil {
		self.Node, self.Notes = m.member.asNode(), append(self.Notes, m.member.notes()...)
	}
	if polling, why := m.watcher.Polling(); polling {
		self.Config.Polling = why
	}
	return self
}

// Reload implements [api.Daemon].
func (m *monitor) Reload(ctx context.Context, allowShrink bool) (api.Verdict, error) {
	v, err := m.reloads.requestReload(ctx, allowShrink)
	if err != nil {
		return v, err
	}
	s, err := m.deciding.shown().Snapshot(ctx)
	if err != nil {
		return v, err
	}
	v.LostSilences = api.LostSilences(s)
	return v, nil
}

// Plan implements [api.Daemon].
func (m *monitor) Plan(ctx context.Context, files *source.Parcel) (p api.Plan, err error) {
	if files == nil {
		p = m.reloads.planOwn()
	} else {
		p = m.reloads.planOther(*files)
	}
	s, err := m.deciding.shown().Snapshot(ctx)
	if err != nil {
		return p, err
	}
	// Incidents of checks that do not change are kept too, and need no word.
	name := survivingNames(p.Diff)
	for c := range s.Checks() {
		for _, in := range c.Incidents {
			if !in.Open() {
				continue
			}
			if slices.Contains(p.Removed, c.ID) {
				p.Orphaned = append(p.Orphaned, in.ID)
			}
			if to, ok := name[c.ID]; ok {
				p.Kept = append(p.Kept, api.KeptIncident{ID: in.ID, Check: to})
			}
		}
	}
	return p, nil
}

// survivingNames returns the checks that would be changed or moved, and their new names.
func survivingNames(d config.Diff) map[config.CheckID]config.CheckID {
	name := map[config.CheckID]config.CheckID{}
	for _, c := range d.Changed {
		name[c.ID] = c.ID
	}
	for _, m := range d.Moved {
		name[m.From] = m.To
	}
	return name
}

// Recheck implements [api.Daemon].
func (m *monitor) Recheck(ctx context.Context, id config.CheckID) (rep api.Report, err error) {
	s, err := m.deciding.shown().Snapshot(ctx)
	if err != nil {
		return rep, err
	}
	c, known := s.Check(id)
	switch {
	case !known:
		return rep, fmt.Errorf("there is no check %q", id)
	case !c.Enabled:
		return rep, fmt.Errorf("check %q is paused", id)
	}
	since := time.Now()
	result, err := m.awaitProbe(ctx, c.Check, func() { m.recheckAll(id) })
	if err == nil && len(result.Sightings) > 0 {
		result = m.awaitOthers(ctx, c.Check, since, result)
	}
	return api.NewReport(c.Label, result), m.elsewhere(err)
}
