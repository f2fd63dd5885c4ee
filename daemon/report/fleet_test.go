//go:build !quick

package report_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A fleet is 400 checks of 200 servers in 12 groups, and what happened to them in September and
// October 2026, written into a real history in fast motion.
type fleet struct {
	t         testing.TB
	cfg       *config.Config
	ids       []config.CheckID
	path      string
	past      *history.Rehearsal
	now       time.Time
	known     []history.Record
	random    *rand.Rand
	downUntil map[config.CheckID]time.Time
}

const (
	probeEvery = 6 * time.Hour
	// timedEvery is of how many checks one has latencies: folding those takes the longest.
	timedEvery = 20
)

func newFleet(t testing.TB) *fleet {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{
		t: t, path: filepath.Join(t.TempDir(), "history.db"), random: rand.New(rand.NewPCG(12, 400)), downUntil: map[config.CheckID]time.Time{},
		cfg: &config.Config{
			Checks: map[config.CheckID]*config.Check{}, Groups: map[config.GroupID]*config.Group{}, Page: config.Page{Title: "Mail at example.org", Zone: berlin},
			Maintenance: []config.Maintenance{{Name: "patches", AppliesTo: []config.Ref{{Group: "europe/germany"}}, Zone: berlin, Weekly: []config.Window{{Days: [7]bool{time.Sunday: true}, From: 120, To: 240}}}},
			Corrections: []config.Correction{{
				Name: "fibre", AppliesTo: []config.Ref{{Group: "customers"}}, Start: time.Date(2026, 10, 14, 8, 0, 0, 0, berlin), End: time.Date(2026, 10, 14, 9, 30, 0, 0, berlin),
				CountAs: config.CountUnknown, Reason: "Our own line was cut; the customers' servers worked.",
			}},
		},
	}
	for path, label := range map[config.GroupID]string{
		"europe": "Europe", "europe/germany": "Germany", "europe/france": "France", "europe/spain": "Spain", "america": "America", "america/north": "North America", "america/south": "",
		"customers": "Customers", "customers/acme": "Acme", "customers/university": "University", "customers/town": "Town hall", "laboratory": "",
	} {
		f.cfg.Groups[path] = &config.Group{ID: path, Label: label}
	}
	paths := [][]config.GroupID{
		{"europe", "europe/germany"},
		{"europe", "europe/germany"},
		{"europe", "europe/france"},
		{"europe", "europe/spain"},
		{"america", "america/north"},
		{"america", "america/south"},
		{"customers", "customers/acme"},
		{"customers", "customers/university"},
		{"customers", "customers/town"},
		{"laboratory"},
	}
	for i := range 200 {
		server := config.ServerID(fmt.Sprintf("mx%d", i+1))
		for _, name := range []string{"imaps", "starttls"} {
			c := &config.Check{
				ID: config.CheckID(string(server) + "/" + name), Server: server, Path: paths[i%len(paths)], Enabled: true,
				Probe: config.Probe{Interval: probeEvery, Timeout: 30 * time.Second}, Policy: config.Policy{SLO: 99.9},
			}
			if c.Label = string(c.ID); c.Path[0] == "customers" {
				c.Label, c.Policy.SLO = fmt.Sprintf("Mailboxes %d (%s)", i+1, name), 99.5
			}
			if c.Path[0] == "laboratory" {
				c.Policy.SLO = 0
			}
			f.cfg.Checks[c.ID] = c
			f.ids = append(f.ids, c.ID)
		}
	}
	slices.SortFunc(f.ids, config.NaturalOrder)
	return f
}

// start begins a daemon's life.
func (f *fleet) start() {
	f.past = history.Rehearse(history.Options{Path: f.path, Node: "monitor1", Changes: func(_ context.Context, since uint64) (history.Changes, error) {
		changed := f.known[since:]
		record := func(i int) (history.Record, error) { return changed[i], nil }
		return history.Changes{Version: uint64(len(f.known)), Count: len(changed), Record: record}, nil
	}, Log: func(msg string, err error) { f.t.Logf("history: %s %v", msg, err) }}, f.now)
	f.past.Use(f.cfg)
}

// live has everything probed until a time.
func (f *fleet) live(until time.Time) {
	for ; f.now.Before(until); f.now = f.now.Add(probeEvery) {
		if err := f.past.Write(context.Background(), f.now); err != nil {
			f.t.Fatal(err)
		}
		for _, id := range f.ids {
			f.past.Result(f.result(id))
		}
	}
	if err := f.past.Write(context.Background(), f.now); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) result(id config.CheckID) incident.Result {
	took := time.Duration(60+f.random.IntN(120)) * time.Millisecond
	r := incident.Result{Check: id, Started: f.now, Ended: f.now.Add(took), Observed: config.ConditionSet(config.ConditionService)}
	a := incident.Address{
		Node: "monitor1", IP: netip.MustParseAddr("192.0.2.1"), Health: incident.OK,
		Timings: config.PhaseTimes{config.WholeConversation: took, config.PhaseConnect: took / 5, config.PhaseTLS: took / 3},
	}
	if id == "mx7/imaps" {
		a.TLS = &incident.TLSInfo{SHA256: "ab", Subject: "CN=mx7.example.org", Issuer: "CN=Example CA", NotAfter: time.Date(2026, 12, 3, 12, 0, 0, 0, time.UTC)}
	}
	if f.now.Before(f.downUntil[id]) {
		r.Findings, a.Health = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Cause: config.CauseRefused}}, incident.Down
	}
	if slices.Index(f.ids, id)%timedEvery == 0 || a.TLS != nil {
		r.Addresses = []incident.Address{a}
	}
	return r
}

// fails has some checks fail for a while, as an incident each.
func (f *fleet) fails(at time.Time, length time.Duration, cause config.Cause, ids ...config.CheckID) {
	for _, id := range ids {
		from := at.Add(time.Duration(f.random.IntN(90)) * time.Second)
		end, reported := from.Add(length), from.Add(3*time.Minute)
		name := incident.ID(fmt.Sprintf("i%d", len(f.known)))
		in := incident.Incident{
			ID: name, Check: id, Condition: config.ConditionService, Severity: config.SeverityDown, StartedAt: from, FailingSince: from, ReportedAt: reported, EndedAt: end, ClosedAt: end,
			ClosedAs: incident.Recovered, Reported: 1, Finding: incident.Finding{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: cause},
		}
		if f.random.IntN(2) == 0 {
			in.AckedAt = reported.Add(time.Duration(2+f.random.IntN(10)) * time.Minute)
		}
		f.known = append(f.known, history.Record{Incident: in, Told: reported.Add(10 * time.Second), JSON: []byte("{}"), Events: []incident.Event{
			{Kind: incident.Failing, At: from, Since: from, Incident: name, Check: id, Condition: in.Condition},
			{Kind: incident.Opened, At: reported, Since: from, Incident: name, Check: id, Condition: in.Condition},
			{Kind: incident.Closed, At: end, Since: end, Incident: name, Check: id, Condition: in.Condition, ClosedAs: incident.Recovered},
		}})
	}
}

// of lists the checks of a group.
func (f *fleet) of(group config.GroupID) (list []config.CheckID) {
	for _, id := range f.ids {
		if slices.Contains(f.cfg.Checks[id].Path, group) {
			list = append(list, id)
		}
	}
	return list
}

// september and october are what happened.
func (f *fleet) happen() {
	day := func(month, day, hour, minute int) time.Time {
		return time.Date(2026, time.Month(month), day, hour, minute, 0, 0, f.cfg.Page.Zone)
	}
	f.now = day(9, 20, 0, 0)
	f.fails(day(9, 22, 14, 0), 50*time.Minute, config.CauseTimeout, f.of("america")...)
	f.fails(day(10, 5, 3, 12), 38*time.Minute, config.CauseRefused, f.of("europe/france")...)
	f.fails(day(10, 14, 8, 10), 75*time.Minute, config.CauseUnreachable, f.of("customers/acme")...)
	f.fails(day(10, 21, 2, 0), 4*time.Hour, config.CauseCertExpired, "mx33/imaps")
	f.fails(day(10, 24, 22, 30), 25*time.Minute, config.CauseTimeout, "mx2/imaps", "mx2/starttls")
	for range 40 { // and small things
		f.fails(day(9, 21, 0, 0).Add(time.Duration(f.random.IntN(40*24*60))*time.Minute), time.Duration(4+f.random.IntN(6))*time.Minute, config.CauseReset, f.ids[f.random.IntN(len(f.ids))])
	}
	f.start()
	f.live(day(10, 20, 0, 0))
	f.past.Close(context.Background()) // the monitor stands still for three hours
	f.now = f.now.Add(3 * time.Hour)
	f.start()
	f.live(day(11, 2, 8, 0))
	f.past.Close(context.Background())
}

// octoberOfTheFleet returns the report that the file gives.
func octoberOfTheFleet(t testing.TB) *api.PeriodReport {
	t.Helper()
	f := newFleet(t)
	f.happen()
	file, err := history.OpenFile(t.Context(), f.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	begun := time.Now()
	r, err := api.NewPeriodReport(t.Context(), f.cfg, file, api.PeriodQuery{Period: "2026-10"}, f.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the report of %d checks took %s", len(r.Checks), time.Since(begun).Round(time.Millisecond))
	return &r
}

// TestOctoberOfAFleet makes the report of a month of 400 checks of a real history, and holds its
// figures against what was done to them.
func TestOctoberOfAFleet(t *testing.T) {
	t.Parallel()
	r := octoberOfTheFleet(t)
	if len(r.Checks) != 400 || len(r.Groups) != 12 {
		t.Fatalf("%d checks, %d groups", len(r.Checks), len(r.Groups))
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		s := c.Seconds
		if sum := s.Absent + s.Maintenance + s.Unknown + s.Down + s.Degraded + s.OK; sum < r.To.Sub(r.From).Seconds()-1 || sum > r.To.Sub(r.From).Seconds()+1 {
			t.Errorf("%s: %v seconds", c.ID, sum)
		}
		if i%timedEvery == 0 && (c.LatencyMS == nil || c.LatencyMS.Total.P50 < 60 || c.LatencyMS.Total.P99 > 190) {
			t.Errorf("%s took %+v", c.ID, c.LatencyMS)
		}
	}
	find := func(id config.CheckID) *api.CheckAvailability {
		return &r.Checks[slices.IndexFunc(r.Checks, func(c api.CheckAvailability) bool { return c.ID == id })]
	}
	if c := find("mx33/imaps"); c.SLO.Verdict != availability.Missed || c.LongestOutageS != 4*3600 || c.Before == nil || *c.Before < 0.99 {
		t.Errorf("mx33/imaps: %+v %v", c.SLO, c.LongestOutageS)
	}
	// Three hours that nobody saw are more than the 45 minutes that 99.9 % allow.
	if c := find("mx1/imaps"); c.SLO.Verdict != availability.NotProven || c.Seconds.Unknown < 3*3600-60 {
		t.Errorf("mx1/imaps: %+v %+v", c.SLO, c.Seconds)
	}
	// Acme was down for 75 minutes, most of which a correction takes away.
	if c := find("mx7/imaps"); c.Seconds.Down > 100 || c.SLO.Verdict == availability.Missed {
		t.Errorf("mx7/imaps: %+v %+v", c.SLO, c.Seconds)
	}
	if len(r.Corrections) != 1 || *r.Corrections[0].Before >= *r.Corrections[0].After {
		t.Errorf("%+v", r.Corrections)
	}
	if len(r.Certificates) != 1 || r.Certificates[0].Check != "mx7/imaps" {
		t.Errorf("%+v", r.Certificates)
	}
	germany := r.Groups[slices.IndexFunc(r.Groups, func(g api.GroupAvailability) bool { return g.ID == "europe/germany" })]
	if germany.Before == nil || *germany.Coverage > 0.9999 {
		t.Errorf("%+v", germany)
	}
}
