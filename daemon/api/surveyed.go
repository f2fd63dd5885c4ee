package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	periods "github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A PeriodQuery is what figures are asked about.
type PeriodQuery struct {
	Period string         // as config/moment reads it
	Group  config.GroupID // with all groups below it; empty: everything
	Check  config.CheckID // empty: all of them
}

// readPeriodQuery reads one from the query of a request.
func readPeriodQuery(r *http.Request, period string) PeriodQuery {
	q := r.URL.Query()
	s := PeriodQuery{Period: q.Get("period"), Group: config.GroupID(q.Get("group")), Check: config.CheckID(q.Get("check"))}
	if s.Period == "" {
		s.Period = period
	}
	return s
}

// newSurvey finds what a scope means, of what a visitor may see.
func newSurvey(ctx context.Context, cfg *config.Config, scope PeriodQuery, now time.Time) (*survey, error) {
	period, err := periods.ReadPeriod(scope.Period, now.In(cfg.PageZone()))
	if err != nil {
		return nil, badRequest(err)
	}
	visitor := VisitorOf(ctx)
	s := &survey{cfg: cfg, period: period, now: now, first: func(c *config.Check) int { return firstShown(visitor, c) }}
	for _, c := range cfg.Checks {
		if visitor.Sees(c) && (scope.Check == "" || scope.Check == c.ID) && (scope.Group == "" || slices.Contains(c.Path[s.first(c):], scope.Group)) {
			s.checks = append(s.checks, c)
		}
	}
	slices.SortFunc(s.checks, func(a, b *config.Check) int { return config.NaturalOrder(a.ID, b.ID) })
	switch {
	case len(s.checks) > 0:
		return s, nil
	case scope.Check != "":
		return nil, notFound("there is no check %q", scope.Check)
	case scope.Group != "":
		return nil, notFound("there is no group %q with checks", scope.Group)
	}
	return s, nil // of nothing there are no figures
}

// firstShown returns the index of the outermost group of a check that a visitor may know of.
func firstShown(v *Visitor, c *config.Check) int {
	if v.Groups == nil {
		return 0
	}
	if i := slices.IndexFunc(c.Path, func(g config.GroupID) bool { return slices.Contains(v.Groups, g) }); i >= 0 {
		return i
	}
	return len(c.Path)
}

// report returns the availability with what happened.
func (s *survey) report(group config.GroupID) PeriodReport {
	s.withDays()
	r := PeriodReport{
		Availability: s.availability(), MadeAt: s.now.UTC(), Title: s.cfg.Page.Title, Group: group,
		Outages: s.outages(), Incidents: s.incidents(), Certificates: s.past.certificates,
	}
	if r.Certificates == nil {
		r.Certificates = []ReportCertificate{} // JSON says [], not null
	}
	return r
}

// outages returns when the checks were down, the first first.
func (s *survey) outages() []Outage {
	list := []Outage{}
	for i, c := range s.checks {
		for _, o := range availability.Outages(s.lines[i]) {
			out := Outage{Check: c.ID, From: o.From.UTC(), To: o.To.UTC(), Ongoing: o.To.Equal(s.now)}
			for _, known := range s.past.incidents[c.ID] {
				if string(known.ID) == o.Incident {
					out.Incident, out.Cause = known.ID, known.Cause
				}
			}
			list = append(list, out)
		}
	}
	slices.SortStableFunc(list, func(a, b Outage) int { return a.From.Compare(b.From) })
	return list
}

// incidents returns those that were reported, the first first.
func (s *survey) incidents() []ReportIncident {
	list := []ReportIncident{}
	for _, c := range s.checks {
		for _, o := range s.past.incidents[c.ID] {
			if !o.Reported.IsZero() {
				list = append(list, ReportIncident{
					ID: o.ID, Check: c.ID, Condition: o.Condition, Severity: o.Severity, Cause: o.Cause, StartedAt: o.Started.UTC(), ReportedAt: o.Reported.UTC(),
					ToldAt: moment(o.Notified), AcknowledgedAt: moment(o.Acked), EndedAt: moment(o.Over),
				})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b ReportIncident) int { return a.StartedAt.Compare(b.StartedAt) })
	return list
}
