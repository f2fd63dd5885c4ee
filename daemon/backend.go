package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The monitor is what the control socket talks to.
var _ api.Daemon = (*monitor)(nil)

// Status implements [api.Daemon].
func (m *monitor) Status(ctx context.Context) (s api.Status, err error) {
	v, err := m.tracker.View(ctx)
	if err != nil {
		return s, err
	}
	s = api.Status{
		GeneratedAt: v.GeneratedAt, Config: m.reloads.config(), Journal: v.Journal,
		Checks: v.Checks, Notifications: v.Notifications, Notes: routeNotes(m.prober.LeftOut()),
		Probes: m.punctuality(time.Now(), m.loop.Waiting()),
	}
	if m.LogState != nil {
		s.Log = m.LogState()
		s.Notes = append(s.Notes, logNotes(s.Log, time.Now())...)
	}
	if polling, why := m.watcher.Polling(); polling {
		s.Config.Polling = why
	}
	return s, nil
}

// Incidents implements [api.Daemon].
func (m *monitor) Incidents(ctx context.Context) ([]api.Incident, error) {
	v, err := m.tracker.View(ctx)
	return v.Incidents, err
}

// Reload implements [api.Daemon].
func (m *monitor) Reload(ctx context.Context, allowShrink bool) (api.Verdict, error) {
	return m.reloads.ask(ctx, allowShrink)
}

// Plan implements [api.Daemon].
func (m *monitor) Plan(ctx context.Context, path string) (api.Plan, error) {
	p, err := m.reloads.plan(path)
	if err != nil {
		return p, err
	}
	v, err := m.tracker.View(ctx)
	name := survivors(p.Diff)
	for _, c := range v.Checks {
		if slices.Contains(p.Removed, c.ID) {
			p.Orphaned = append(p.Orphaned, c.Incidents...)
		}
		for _, id := range c.Incidents {
			if to, ok := name[c.ID]; ok {
				p.Kept = append(p.Kept, api.KeptIncident{ID: id, Check: to})
			}
		}
	}
	return p, err
}

// survivors are the checks that would be changed or moved, and what they would be
// called.
func survivors(d config.Diff) map[config.CheckID]config.CheckID {
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
func (m *monitor) Recheck(ctx context.Context, id config.CheckID) (rep incident.Report, err error) {
	v, err := m.tracker.View(ctx)
	if err != nil {
		return rep, err
	}
	for _, c := range v.Checks {
		if c.ID == id && c.State == incident.CheckPaused {
			return rep, fmt.Errorf("check %q is paused", id)
		}
		if c.ID == id {
			result, err := m.tracker.Await(ctx, id, func() {
				m.prober.RetryLogin(id)
				m.loop.Wake(id)
			})
			return incident.NewReport(c.Label, result), err
		}
	}
	return rep, fmt.Errorf("there is no check %q", id)
}
