package api

import (
	"context"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// A Past is what figures are made of: a [history.Store], or the same file without a daemon.
type Past interface {
	CompleteSince(ctx context.Context) (time.Time, error)
	Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error)
	Incidents(ctx context.Context, from, to time.Time) ([]history.Incident, error)
	Points(ctx context.Context, check config.CheckID, from, to time.Time, step time.Duration) ([]history.Point, error)
	Certificates(ctx context.Context, check config.CheckID) ([]history.Certificate, error)
}

// AvailabilityFor returns what was so in a period, as whoever asks may see it.
func AvailabilityFor(ctx context.Context, d Daemon, q PeriodQuery) (Availability, error) {
	s, err := d.Snapshot(ctx)
	if err != nil {
		return Availability{}, err
	}
	return NewAvailability(ctx, s.Config, PastOf(d), q, s.At)
}

// ReportFor returns the same with what happened.
func ReportFor(ctx context.Context, d Daemon, q PeriodQuery) (PeriodReport, error) {
	s, err := d.Snapshot(ctx)
	if err != nil {
		return PeriodReport{}, err
	}
	return NewPeriodReport(ctx, s.Config, PastOf(d), q, s.At)
}

// NewAvailability makes the figures of a period of what the visitor of ctx sees.
func NewAvailability(ctx context.Context, cfg *config.Config, p Past, q PeriodQuery, now time.Time) (Availability, error) {
	s, err := newSurvey(ctx, cfg, q, now)
	if err != nil {
		return Availability{}, err
	}
	if err := s.read(ctx, p); err != nil {
		return Availability{}, err
	}
	a := s.availability()
	a.Nodes = newNodePasts(p)
	return a, nil
}

// NewPeriodReport makes the report of a period of what the visitor of ctx sees.
func NewPeriodReport(ctx context.Context, cfg *config.Config, p Past, q PeriodQuery, now time.Time) (PeriodReport, error) {
	s, err := newSurvey(ctx, cfg, q, now)
	if err != nil {
		return PeriodReport{}, err
	}
	if err := s.read(ctx, p); err != nil {
		return PeriodReport{}, err
	}
	if err := s.readCertificates(ctx, p); err != nil {
		return PeriodReport{}, err
	}
	r := s.report(q.Group)
	r.Nodes = newNodePasts(p)
	return r, nil
}

// read reads what is known of the checks: of the period, of the one before, and of the last days
// that a burn rate looks at.
func (s *survey) read(ctx context.Context, p Past) (err error) {
	ids := make([]config.CheckID, len(s.checks))
	asked := make(map[config.CheckID]bool, len(s.checks))
	for i, c := range s.checks {
		ids[i], asked[c.ID] = c.ID, true
	}
	if s.past.completeSince, err = p.CompleteSince(ctx); err != nil {
		return err
	}
	from, _ := s.period.Before()
	if burns := s.period.To.Add(-burnDays); burns.Before(from) {
		from = burns
	}
	if s.past.lives, err = p.Lives(ctx, ids, from, s.period.To); err != nil {
		return err
	}
	incidents, err := p.Incidents(ctx, s.period.From, s.period.To)
	if err != nil {
		return err
	}
	s.past.incidents = map[config.CheckID][]occurrence{}
	for i := range incidents {
		if in := &incidents[i]; asked[in.Check] {
			s.past.incidents[in.Check] = append(s.past.incidents[in.Check], newOccurrence(in))
		}
	}
	return s.readLatency(ctx, p)
}

func newOccurrence(in *history.Incident) occurrence {
	return occurrence{
		ID: in.ID, Condition: in.Condition, Severity: in.Severity, Cause: in.Cause,
		Started: in.Started, Reported: in.Reported, Notified: in.Told, Acked: in.Acked, Over: in.Ended, HandedOn: in.ClosedAs.HandedOn(),
	}
}

// mostLatencies is of how many checks latencies are shown: each is a question of its own to the
// history, of some milliseconds.
const mostLatencies = 500

// readLatency reads how long the conversations of the whole period took.
func (s *survey) readLatency(ctx context.Context, p Past) error {
	s.past.latency = map[config.CheckID]Quantiles{}
	if len(s.checks) > mostLatencies {
		return nil
	}
	whole := s.period.To.Sub(s.period.From)
	for _, c := range s.checks {
		points, err := p.Points(ctx, c.ID, s.period.From, s.period.To, whole)
		if err != nil {
			return err
		}
		for i := range points {
			if total := points[i].P50[config.WholeConversation]; total > 0 {
				s.past.latency[c.ID] = Quantiles{
					milliseconds(total), milliseconds(points[i].P95[config.WholeConversation]), milliseconds(points[i].P99[config.WholeConversation]),
				}
			}
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// soonEnding is how far a report looks ahead for certificates.
const soonEnding = 60 * 24 * time.Hour

// readCertificates reads which of the certificates that were seen lately end soon.
func (s *survey) readCertificates(ctx context.Context, p Past) error {
	if len(s.checks) > mostLatencies {
		return nil // the page of certificates has them
	}
	for _, c := range s.checks {
		list, err := p.Certificates(ctx, c.ID)
		if err != nil {
			return err
		}
		var newest time.Time
		for i := range list {
			if list[i].Last.After(newest) {
				newest = list[i].Last
			}
		}
		seen := map[string]bool{}
		for i := range list {
			// One that was not shown for a day has been replaced.
			cert := &list[i]
			if seen[cert.SHA256] || cert.Last.Before(newest.Add(-24*time.Hour)) || cert.NotAfter.After(s.now.Add(soonEnding)) {
				continue
			}
			seen[cert.SHA256] = true
			s.past.certificates = append(s.past.certificates, ReportCertificate{c.ID, cert.Subject, cert.NotAfter.UTC()})
		}
	}
	slices.SortStableFunc(s.past.certificates, func(a, b ReportCertificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return nil
}
