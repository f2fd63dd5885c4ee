package api_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A pastFleet is a history that a test makes up.
type pastFleet struct {
	since     time.Time
	lives     map[config.CheckID]availability.Life
	incidents []history.Incident
	points    []history.Point
	certs     []history.Certificate
}

func (p *pastFleet) CompleteSince(context.Context) (time.Time, error) { return p.since, nil }

func (p *pastFleet) Lives(context.Context, []config.CheckID, time.Time, time.Time) (map[config.CheckID]availability.Life, error) {
	return p.lives, nil
}

func (p *pastFleet) Incidents(_ context.Context, from, to time.Time) (list []history.Incident, _ error) {
	for _, in := range p.incidents {
		if in.Started.Before(to) && (in.Ended.IsZero() || in.Ended.After(from)) {
			list = append(list, in)
		}
	}
	return list, nil
}

func (p *pastFleet) Points(context.Context, config.CheckID, time.Time, time.Time, time.Duration) ([]history.Point, error) {
	return p.points, nil
}

func (p *pastFleet) Certificates(_ context.Context, id config.CheckID) ([]history.Certificate, error) {
	if id != "mx1/imaps" {
		return nil, nil
	}
	return p.certs, nil
}

// october returns a fleet of four checks and what happened to them around October 2026: one is
// down for 40 minutes, one for 15 minutes at the same time, one is degraded and was not seen for
// a while, one was added on the 10th.
func october(t testing.TB) (*config.Config, *pastFleet) {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	check := func(id config.CheckID, label string, slo float64, path ...config.GroupID) *config.Check {
		server, _, _ := strings.Cut(string(id), "/")
		return &config.Check{ID: id, Label: label, Server: config.ServerID(server), Path: path, Enabled: true, Policy: config.Policy{SLO: slo}}
	}
	cfg := &config.Config{
		Checks: map[config.CheckID]*config.Check{}, Page: config.Page{Title: "Mail at example.org", Zone: berlin},
		Groups: map[config.GroupID]*config.Group{
			"europe": {ID: "europe", Label: "Europe"}, "europe/germany": {ID: "europe/germany", Label: "Germany"}, "customers": {ID: "customers"}, "customers/acme": {ID: "customers/acme", Label: "Acme"},
		},
		Corrections: []config.Correction{{
			Name: "fibre", AppliesTo: []config.Ref{{Group: "customers/acme"}, {Check: "mx1/imaps"}}, Start: at("2026-10-14T00:40:00Z"), End: at("2026-10-14T00:55:00Z"),
			CountAs: config.CountUnknown, Reason: "Our own line was cut.",
		}},
	}
	for _, c := range []*config.Check{
		check("mx1/imaps", "Mail", 99.9, "europe", "europe/germany"), check("mx2/imaps", "Mail two", 99.9, "europe", "europe/germany"),
		check("mx10/imaps", "Archive", 0, "europe"), check("acme/imaps", "Acme mail", 99.5, "customers", "customers/acme"),
	} {
		cfg.Checks[c.ID] = c
	}
	bout := func(incident, from, to string, service bool) availability.Bout {
		return availability.Bout{From: at(from), To: at(to), Reported: at(from).Add(3 * time.Minute), Service: service, Incident: incident}
	}
	p := &pastFleet{since: at("2026-08-01T00:00:00Z"), lives: map[config.CheckID]availability.Life{
		"mx1/imaps": {Bouts: []availability.Bout{bout("aa01", "2026-10-14T00:30:00Z", "2026-10-14T01:10:00Z", true)}},
		"mx2/imaps": {
			Bouts:     []availability.Bout{bout("aa02", "2026-10-14T00:32:00Z", "2026-10-14T00:47:00Z", true), {From: at("2026-10-20T00:00:00Z"), To: at("2026-10-20T00:01:00Z"), Service: true}},
			Intervals: []availability.Interval{{From: at("2026-10-25T00:00:00Z"), To: at("2026-10-25T02:00:00Z"), Kind: availability.Maintenance, Why: "weekly"}},
		},
		"mx10/imaps": {
			Bouts:     []availability.Bout{bout("aa03", "2026-10-30T10:00:00Z", "2026-11-02T10:00:00Z", false)},
			Intervals: []availability.Interval{{From: at("2026-10-05T21:00:00Z"), To: at("2026-10-06T03:00:00Z"), Kind: availability.Unknown, Why: "not running"}},
		},
		"acme/imaps": {Intervals: []availability.Interval{{From: at("1970-01-01T00:00:00Z"), To: at("2026-10-10T08:00:00Z"), Kind: availability.Absent}}},
	}}
	p.incidents = []history.Incident{
		{ID: "aa01", Check: "mx1/imaps", Condition: config.ConditionService, Severity: config.SeverityDown, Cause: config.CauseRefused, Started: at("2026-10-14T00:30:00Z"), Reported: at("2026-10-14T00:33:00Z"), Told: at("2026-10-14T00:33:05Z"), Acked: at("2026-10-14T00:41:00Z"), Ended: at("2026-10-14T01:10:00Z")},
		{ID: "aa02", Check: "mx2/imaps", Condition: config.ConditionService, Severity: config.SeverityDown, Cause: config.CauseRefused, Started: at("2026-10-14T00:32:00Z"), Reported: at("2026-10-14T00:35:00Z"), Told: at("2026-10-14T00:35:04Z"), Ended: at("2026-10-14T00:47:00Z")},
		{ID: "aa03", Check: "mx10/imaps", Condition: config.ConditionCertificate, Severity: config.SeverityDegraded, Cause: config.CauseCertExpiresSoon, Started: at("2026-10-30T10:00:00Z"), Reported: at("2026-10-30T10:03:00Z"), Ended: at("2026-11-02T10:00:00Z")},
		{ID: "aa04", Check: "gone", Condition: config.ConditionService, Started: at("2026-10-30T10:00:00Z"), Reported: at("2026-10-30T10:03:00Z")},
	}
	p.points = []history.Point{{
		At: at("2026-10-01T00:00:00Z"), N: 3, OK: 2, Down: 1, Max: 900 * time.Millisecond,
		P50: config.PhaseTimes{config.WholeConversation: 120 * time.Millisecond, config.PhaseConnect: 20 * time.Millisecond},
		P95: config.PhaseTimes{config.WholeConversation: 240 * time.Millisecond}, P99: config.PhaseTimes{config.WholeConversation: 800 * time.Millisecond},
	}}
	p.certs = []history.Certificate{
		{SHA256: "old", Last: at("2026-09-01T00:00:00Z"), NotAfter: at("2026-11-20T00:00:00Z"), Subject: "CN=old"},
		{SHA256: "new", Last: at("2026-11-09T00:00:00Z"), NotAfter: at("2026-12-20T00:00:00Z"), Subject: "CN=mx1.example.org"},
		{SHA256: "far", Last: at("2026-11-09T00:00:00Z"), NotAfter: at("2027-12-20T00:00:00Z"), Subject: "CN=far"},
	}
	return cfg, p
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

var november = at("2026-11-10T09:00:00Z")

// TestReportOfAMonth is the whole of a report, as programs read it.
func TestReportOfAMonth(t *testing.T) {
	cfg, p := october(t)
	r, err := api.NewPeriodReport(t.Context(), cfg, p, api.PeriodQuery{Period: "2026-10"}, november)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/period_report.json", string(text)+"\n")
	for _, c := range r.Checks {
		s := c.Seconds
		if sum := s.Absent + s.Maintenance + s.Unknown + s.Down + s.Degraded + s.OK; math.Abs(sum-r.To.Sub(r.From).Seconds()) > 1e-6 {
			t.Errorf("%s: the states have %v seconds, the month %v", c.ID, sum, r.To.Sub(r.From).Seconds())
		}
	}
}

// TestHandedOverIsNoRepair: what a node that was alone handed over goes on as another incident.
func TestHandedOverIsNoRepair(t *testing.T) {
	repairs := func(as incident.ClosedAs) (n int) {
		cfg, p := october(t)
		for i := range p.incidents {
			p.incidents[i].ClosedAs = as
		}
		r, err := api.NewPeriodReport(t.Context(), cfg, p, api.PeriodQuery{Period: "2026-10"}, november)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Checks {
			n += c.Repair.Count
		}
		return n
	}
	if n := repairs(incident.Recovered); n != 2 {
		t.Errorf("%d of 2 recovered incidents count as repaired", n)
	}
	if n := repairs(incident.HandedOver); n != 0 {
		t.Errorf("%d incidents that were handed over count as repaired", n)
	}
}

// TestHistoryThatBeganLater has no figures for what was before: not even that a check was absent.
func TestHistoryThatBeganLater(t *testing.T) {
	cfg, p := october(t)
	p.since = at("2026-10-16T22:00:00Z") // midnight in Berlin: half of the month
	p.lives["acme/imaps"] = availability.Life{Intervals: []availability.Interval{{From: at("1970-01-01T00:00:00Z"), To: p.since, Kind: availability.Absent}}}
	a, err := api.NewAvailability(t.Context(), cfg, p, api.PeriodQuery{Period: "2026-10", Check: "acme/imaps"}, november)
	if err != nil {
		t.Fatal(err)
	}
	c := a.Checks[0]
	if c.Seconds.Absent != 0 || c.Seconds.Unknown != 16*86400 || c.SLO.Verdict != availability.NotProven {
		t.Errorf("%+v %s", c.Seconds, c.SLO.Verdict)
	}
	if *c.Availability != 1 || math.Abs(*c.Coverage-(31*24+1-16*24)/(31*24+1.0)) > 1e-9 {
		t.Errorf("availability %v, coverage %v", *c.Availability, *c.Coverage)
	}
}

// TestPeriodThatGoesOn ends now, and says when the budget is gone at this pace.
func TestPeriodThatGoesOn(t *testing.T) {
	cfg, p := october(t)
	now := at("2026-10-14T01:00:00Z") // mx1 is down
	a, err := api.NewAvailability(t.Context(), cfg, p, api.PeriodQuery{Period: "this-month", Check: "acme/imaps"}, now)
	if err != nil || !a.To.Equal(now) || a.Until == nil || !a.Until.Equal(at("2026-10-31T23:00:00Z")) {
		t.Fatalf("%s to %s until %v, %v", a.From, a.To, a.Until, err)
	}
	cfg.Checks["mx1/imaps"].Policy.SLO = 99
	cfg.Corrections = nil
	a, err = api.NewAvailability(t.Context(), cfg, p, api.PeriodQuery{Period: "this-month", Check: "mx1/imaps"}, now)
	if err != nil {
		t.Fatal(err)
	}
	slo := a.Checks[0].SLO
	if math.Abs(*slo.Burn.Hour-50) > 0.01 || slo.GoneAt != nil {
		t.Errorf("half an hour of the last: burn %v, gone at %v", *slo.Burn.Hour, slo.GoneAt)
	}
	cfg.Checks["mx1/imaps"].Policy.SLO = 99.7 // 30 minutes of 72 hours are 2.3 times as much as allowed
	a, _ = api.NewAvailability(t.Context(), cfg, p, api.PeriodQuery{Period: "this-month", Check: "mx1/imaps"}, now)
	if slo = a.Checks[0].SLO; slo.GoneAt == nil || !slo.GoneAt.After(now) || slo.GoneAt.After(now.Add(14*24*time.Hour)) {
		t.Errorf("left %v at %v times the pace: gone at %v", slo.BudgetLeftS, *slo.Burn.ThreeDays, slo.GoneAt)
	}
}

// TestReportOfAVisitor has nothing of what they do not see: no check, group, correction or
// incident.
func TestReportOfAVisitor(t *testing.T) {
	cfg, p := october(t)
	ctx := api.WithVisitor(t.Context(), &api.Visitor{Rights: []api.Right{api.See}, Groups: []config.GroupID{"customers/acme"}})
	r, err := api.NewPeriodReport(ctx, cfg, p, api.PeriodQuery{Period: "2026-10"}, november)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(r)
	for _, secret := range []string{"mx1", "mx2", "mx10", "europe", "customers\"", "aa01", "\"gone\""} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the report has %s: %s", secret, text)
		}
	}
	if len(r.Checks) != 1 || len(r.Groups) != 1 || r.Groups[0].ID != "customers/acme" || len(r.Corrections) != 1 {
		t.Errorf("%s", text)
	}
	for _, q := range []api.PeriodQuery{{Period: "2026-10", Group: "europe"}, {Period: "2026-10", Group: "customers"}, {Period: "2026-10", Check: "mx1/imaps"}, {Period: "2027"}, {Period: "soon"}} {
		if _, err := api.NewAvailability(ctx, cfg, p, q, november); err == nil {
			t.Errorf("%+v is answered", q)
		}
	}
}

// TestHistoryOfACheck has the columns of a chart, and what to shade.
func TestHistoryOfACheck(t *testing.T) {
	cfg, p := october(t)
	h, err := api.NewCheckHistory(t.Context(), cfg, p, api.HistoryQuery{Check: "mx1/imaps", From: "2026-10-13", To: "2026-10-15"}, november)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.MarshalIndent(h, "", "  ")
	golden.Compare(t, "testdata/check_history.json", string(text)+"\n")
	steps := []float64{}
	for _, q := range []api.HistoryQuery{
		{From: "1h"}, {From: "24h"}, {From: "7d"}, {From: "90d"}, {From: "2020-01-01"}, {From: "7d", Step: "1m"}, {From: "24h", Step: "1m"}, {From: "90d", Step: "1s"}, {From: "1h", Step: "0.1s"},
	} {
		q.Check = "mx1/imaps"
		h, err := api.NewCheckHistory(t.Context(), cfg, p, q, november)
		if err != nil || h.To.Sub(h.From).Seconds()/h.StepS > 2000 {
			t.Errorf("%+v: %v s, %v", q, h.StepS, err)
		}
		steps = append(steps, h.StepS)
	}
	if want := []float64{10, 300, 1800, 21600, 604800, 600, 60, 7200, 10}; !slices.Equal(steps, want) {
		t.Errorf("steps %v", steps)
	}
	for _, q := range []api.HistoryQuery{{Check: "none"}, {Check: "mx1/imaps", From: "soon"}, {Check: "mx1/imaps", To: "x"}, {Check: "mx1/imaps", Step: "x"}, {Check: "mx1/imaps", From: "1h", To: "2h"}} {
		if _, err := api.NewCheckHistory(t.Context(), cfg, p, q, november); err == nil {
			t.Errorf("%+v is answered", q)
		}
	}
}

// TestWithoutHistory says so on every route that needs it.
func TestWithoutHistory(t *testing.T) {
	h := tcp(&fake{snapshot: shown(t)}, everything)
	for _, path := range []string{"/api/v1/availability", "/api/v1/report", "/api/v1/checks/mx1/imaps/history"} {
		w := ask(h, "GET", path, "")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the history is not available") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/api/v1/availability?period=soon", "/api/v1/checks/mx1/imaps/history?step=x"} {
		if w := ask(h, "GET", path, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/api/v1/availability?group=none", ""); w.Code != http.StatusNotFound {
		t.Errorf("a group that does not exist: %d %s", w.Code, w.Body)
	}
}
