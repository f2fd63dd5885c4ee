package daemon

import (
	"context"
	"fmt"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The monitor is what the control socket talks to.
var _ control.Backend = (*monitor)(nil)

// Status implements [control.Backend].
func (m *monitor) Status(ctx context.Context) (s control.Status, err error) {
	v, err := m.tracker.View(ctx)
	if err != nil {
		return s, err
	}
	s = control.Status{
		GeneratedAt: v.GeneratedAt, Config: m.reloads.config(), Journal: v.Journal,
		Checks: v.Checks, Notifications: v.Notifications, Notes: routeNotes(m.prober.LeftOut()),
	}
	if polling, why := m.watcher.Polling(); polling {
		s.Config.Polling = why
	}
	return s, nil
}

// Incidents implements [control.Backend].
func (m *monitor) Incidents(ctx context.Context) ([]control.Incident, error) {
	v, err := m.tracker.View(ctx)
	return v.Incidents, err
}

// Reload implements [control.Backend].
func (m *monitor) Reload(ctx context.Context, allowShrink bool) (control.Verdict, error) {
	return m.reloads.ask(ctx, allowShrink)
}

// Plan implements [control.Backend].
func (m *monitor) Plan(ctx context.Context, path string) (control.Plan, error) {
	p, err := m.reloads.plan(path)
	if err != nil {
		return p, err
	}
	v, err := m.tracker.View(ctx)
	for _, c := range v.Checks {
		if slices.Contains(p.Removed, c.ID) {
			p.Orphaned = append(p.Orphaned, c.Incidents...)
		}
	}
	return p, err
}

// Recheck implements [control.Backend].
func (m *monitor) Recheck(ctx context.Context, id config.CheckID) (rep incident.Report, err error) {
	v, err := m.tracker.View(ctx)
	if err != nil {
		return rep, err
	}
	for _, c := range v.Checks {
		if c.ID == id && c.State == "paused" {
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
