package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/config"
	periods "github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/elsewhere"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// CheckHistory is what the probes of a check came to, and what it counted as. The keys are an
// interface.
type CheckHistory struct {
	Check config.CheckID `json:"check"`
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	// StepS is how many seconds a point stands for: as asked, or longer so that there are not
	// more than 2,000 points.
	StepS         float64         `json:"step_s"`
	CompleteSince *time.Time      `json:"complete_since"`
	Points        []HistoryPoint  `json:"points"`
	Intervals     []StateInterval `json:"intervals"`
	// Locations are what the probes of each node came to in all of the time, first of the node that answers,
	// of which the points are; missing: one machine watches on its own.
	Locations []LocationHistory `json:"locations,omitempty"`
}

// HistoryPoint is what the probes that began in one step came to. A step without a probe has no
// point.
type HistoryPoint struct {
	At       time.Time `json:"at"` // when the step begins
	N        int       `json:"n"`  // probes
	OK       int       `json:"ok"`
	Degraded int       `json:"degraded"`
	Down     int       `json:"down"`
	Unknown  int       `json:"unknown"`
	// The percentiles of the good conversations by phase and in "total", right to 3 %.
	P50MS TimingsReport `json:"p50_ms"`
	P95MS TimingsReport `json:"p95_ms"`
	P99MS TimingsReport `json:"p99_ms"`
	// MaxMS is the longest good conversation; null: none was good.
	MaxMS *float64 `json:"max_ms"`
}

// StateInterval is a time in which a check was not simply OK.
type StateInterval struct {
	From     time.Time          `json:"from"`
	To       time.Time          `json:"to"`
	State    availability.State `json:"state"`
	Incident string             `json:"incident"` // empty: there is none
}

// A HistoryQuery is what of a check is asked for. Times are as people write them.
type HistoryQuery struct {
	Check          config.CheckID
	From, To, Step string // empty: the last day, and a step that suits
}

func readHistoryQuery(r *http.Request, check config.CheckID) HistoryQuery {
	q := r.URL.Query()
	return HistoryQuery{check, q.Get("from"), q.Get("to"), q.Get("step")}
}

var errEndsBefore = errors.New("the time must begin before it ends")

// mostPoints is how many points a chart can show.
const mostPoints = 2000

// HistoryFor returns what was of one check, as whoever asks may see it.
func HistoryFor(ctx context.Context, d Daemon, q HistoryQuery) (CheckHistory, error) {
	s, err := d.Snapshot(ctx)
	if err != nil {
		return CheckHistory{}, err
	}
	return NewCheckHistory(ctx, s.Config, PastOf(d), q, s.At)
}

// NewCheckHistory returns what was of one check, if the visitor of ctx sees it.
func NewCheckHistory(ctx context.Context, cfg *config.Config, p Past, q HistoryQuery, now time.Time) (CheckHistory, error) {
	check, known := cfg.Checks[q.Check]
	if !known || !VisitorOf(ctx).Sees(check) {
		return CheckHistory{}, notFound("there is no check %q", q.Check)
	}
	from, to, step, err := q.resolve(now.In(cfg.PageZone()))
	if err != nil {
		return CheckHistory{}, badRequest(err)
	}
	h := CheckHistory{
		Check: q.Check, From: from.UTC(), To: to.UTC(), StepS: step.Seconds(), Points: []HistoryPoint{}, Intervals: []StateInterval{},
	}
	all, _ := p.(*elsewhere.Past)
	if all != nil {
		all.Begin(ctx, elsewhere.Query{Checks: []config.CheckID{q.Check}, From: from, To: to, Of: q.Check, Since: from})
	}
	complete, err := p.CompleteSince(ctx)
	if err != nil {
		return CheckHistory{}, err
	}
	h.CompleteSince = moment(complete)
	points, err := p.Points(ctx, q.Check, from, to, step)
	if err != nil {
		return CheckHistory{}, err
	}
	for i := range points {
		h.Points = append(h.Points, newHistoryPoint(&points[i]))
	}
	lives, err := p.Lives(ctx, []config.CheckID{q.Check}, from, to)
	if err != nil {
		return CheckHistory{}, err
	}
	life := notBefore(lives[q.Check], complete, from)
	for _, part := range availability.Timeline(life, from, to, now, CorrectionsOf(cfg, check)) {
		if part.State != availability.IsOK {
			h.Intervals = append(h.Intervals, StateInterval{part.From.UTC(), part.To.UTC(), part.State, part.Incident})
		}
	}
	if all != nil {
		locations, err := all.Locations(ctx, q.Check, from, to)
		if err != nil {
			return CheckHistory{}, err
		}
		h.Locations = newLocationHistories(locations)
	}
	return h, nil
}

// resolve finds out which times are meant. The step is made longer where there would be too
// many points.
func (q HistoryQuery) resolve(now time.Time) (from, to time.Time, step time.Duration, err error) {
	from, to = now.Add(-24*time.Hour), now
	if q.To != "" {
		m, err := periods.Since(q.To, now)
		if err != nil {
			return from, to, 0, err
		}
		to = m.At
		from = to.Add(-24 * time.Hour)
	}
	if q.From != "" {
		m, err := periods.Since(q.From, now)
		if err != nil {
			return from, to, 0, err
		}
		from = m.At
	}
	if !from.Before(to) {
		return from, to, 0, errEndsBefore
	}
	if q.Step != "" {
		if step, err = config.ParseDuration(q.Step); err != nil {
			return from, to, 0, err
		}
	}
	return from, to, suitableStep(to.Sub(from), step), nil
}

// niceSteps are those that fit into an hour, a day or a week.
var niceSteps = []time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// suitableStep returns the step that is wanted, or the first nice one with which there are at
// most so many points: 2,000, or 400 where nobody wants a certain step.
func suitableStep(span, wanted time.Duration) time.Duration {
	most := time.Duration(mostPoints)
	if wanted <= 0 {
		most = 400
	} else if wanted >= time.Second && span/wanted < most {
		return wanted
	}
	for _, nice := range niceSteps {
		if nice >= wanted && span/nice < most {
			return nice
		}
	}
	return (span/most + 1).Round(time.Second) + time.Second
}

func newHistoryPoint(p *history.Point) HistoryPoint {
	v := HistoryPoint{
		At: p.At.UTC(), N: p.N, OK: p.OK, Degraded: p.Degraded, Down: p.Down, Unknown: p.Unknown,
		P50MS: TimingsReport(p.P50), P95MS: TimingsReport(p.P95), P99MS: TimingsReport(p.P99),
	}
	if p.Max > 0 {
		longest := milliseconds(p.Max)
		v.MaxMS = &longest
	}
	return v
}
