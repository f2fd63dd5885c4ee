package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/report"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// reportsEvery is how often it is looked whether a period is over.
	reportsEvery = 10 * time.Second
	// reportsAfter is how long after a period its report is made: by then the history holds what
	// happened at its end.
	reportsAfter = 5 * time.Minute
)

// sendReports has a report sent when its period is over, until ctx ends.
func (m *monitor) sendReports(ctx context.Context) error {
	return clock.Repeat(ctx, reportsEvery, func() {
		if !m.sendsReports() {
			return
		}
		s, err := m.deciding.shown().Snapshot(ctx)
		if err != nil || len(s.Config.Reports) == 0 {
			return
		}
		for i := range s.Config.Reports {
			if err := m.sendReport(ctx, s, &s.Config.Reports[i], time.Now()); err != nil && ctx.Err() == nil {
				m.Log.Warn("a report cannot be sent yet", zap.String("report", s.Config.Reports[i].Name), zap.Error(err))
			}
		}
	})
}

// sendsReports reports whether this machine sends the reports.
func (m *monitor) sendsReports() bool {
	return m.member == nil || nodeSendsReports(m.member.node.Role(), m.member.name, m.member.config().Cluster)
}

// nodeSendsReports reports whether a node sends the reports: the one that decides does. One that is alone
// cannot know whether another has sent a report, which may come late and must not come twice, so it waits
// until somebody decides for all; unless no other node may.
func nodeSendsReports(role cluster.Role, name config.NodeID, c *config.Cluster) bool {
	others := slices.ContainsFunc(c.SortedNodes(), func(n *config.Node) bool { return n.Decide && n.ID != name })
	return role == cluster.Deciding || role == cluster.Alone && !others
}

// sendReport has the report of the last period decided, once. Nothing is sent of a period that
// was over before the history began, or that ended too long ago.
func (m *monitor) sendReport(ctx context.Context, s *tracker.Snapshot, r *config.Report, now time.Time) error {
	p, err := lastPeriod(s.Config, r, now)
	if err != nil {
		return err
	}
	key := outbox.ReportKey(r.Name, p.Name)
	if m.isDecided(ctx, s, key) || now.Before(p.To.Add(reportsAfter)) || !now.Before(p.To.Add(outbox.ReportsLate)) {
		return nil
	}
	since, err := m.history.CompleteSince(ctx)
	if err != nil {
		return err
	}
	if !since.Before(p.To) {
		return nil
	}
	list, err := outbox.NewReportNotices(s.Config, r, p.Name, p.From, p.To, now)
	if err != nil {
		return err
	}
	return m.deciding.shown().SendReport(ctx, list)
}

// isDecided reports whether a report was decided, in this machine's journal or in the one that it shares with
// others: what was sent before there were several nodes, or by the only one that may decide while it was alone.
func (m *monitor) isDecided(ctx context.Context, shown *tracker.Snapshot, key outbox.Key) bool {
	has := func(s *tracker.Snapshot) bool {
		return slices.ContainsFunc(s.Reports, func(d tracker.ReportState) bool { return d.Key == key })
	}
	return has(shown) || slices.ContainsFunc(m.deciding.both(), func(t *tracker.Tracker) bool {
		s, err := t.Snapshot(ctx) // it fails where another tracker takes its place, or the daemon ends
		return err == nil && has(s)
	})
}

// lastPeriod returns the last period of a report that is over.
func lastPeriod(cfg *config.Config, r *config.Report, now time.Time) (moment.Period, error) {
	return moment.ReadPeriod("last-"+string(r.Every), now.In(reportZone(cfg, r)))
}

// reportZone returns the zone of a report's days.
func reportZone(cfg *config.Config, r *config.Report) *time.Location {
	if r.Zone != nil {
		return r.Zone
	}
	return cfg.PageZone()
}

// composeReport makes the mail of a report, of what the files say of it now.
func (m *monitor) composeReport(ctx context.Context, wanted notifiers.Report, at time.Time) (notifiers.Report, error) {
	s, err := m.deciding.shown().Snapshot(ctx)
	if err != nil {
		return wanted, err
	}
	i := slices.IndexFunc(s.Config.Reports, func(r config.Report) bool { return r.Name == wanted.Name })
	if i < 0 {
		return wanted, notifiers.Permanent(fmt.Errorf("the report %q is no longer in the files", wanted.Name))
	}
	r := &s.Config.Reports[i]
	cfg := *s.Config
	cfg.Page.Zone = reportZone(s.Config, r)
	q := api.PeriodQuery{Period: periodOf(r, wanted.From.In(cfg.Page.Zone), wanted.Until), Group: r.Group}
	// As of the decision: each attempt says the same.
	made, err := api.NewPeriodReport(ctx, &cfg, api.PastOf(m), q, at)
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return wanted, notifiers.Permanent(problem) // its group has left the files
	}
	if err != nil {
		return wanted, err
	}
	return report.Compose(wanted, &made, report.Options{Zone: cfg.Page.Zone, Public: r.Public})
}

// periodOf writes the period of a report as it is read again: by its name, if it is what it is
// called today, or else by its times.
func periodOf(r *config.Report, from, until time.Time) string {
	if r.Every == config.EveryMonth && until.In(from.Location()).Equal(from.AddDate(0, 1, 0)) {
		return from.Format("2006-01")
	}
	if r.Every == config.EveryQuarter && until.In(from.Location()).Equal(from.AddDate(0, 3, 0)) {
		return fmt.Sprintf("%04d-Q%d", from.Year(), (int(from.Month())+2)/3)
	}
	return from.Format(time.DateOnly) + ".." + until.In(from.Location()).AddDate(0, 0, -1).Format(time.DateOnly)
}
