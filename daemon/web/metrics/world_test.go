package metrics_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/tracker"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
	"github.com/imapvigil/imapvigil/notifiers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a tracker whose probes are made by the test, behind the routes.
type world struct {
	api.Daemon // what is not asked here
	t          testing.TB
	tracker    *tracker.Tracker
	counts     *metrics.Counts
	self       api.Self
	cluster    *config.Cluster
	nodes      *api.Nodes // nil: it is in no cluster
	test       func(context.Context, *config.Check, api.TestOptions) (incident.Result, error)
	mux        *http.ServeMux
}

func newWorld(t testing.TB, checks ...*config.Check) *world {
	t.Helper()
	return newWorldOf(t, metrics.NewCounts(), checks...)
}

// newWorldOf returns a world in which something was counted before.
func newWorldOf(t testing.TB, counts *metrics.Counts, checks ...*config.Check) *world {
	t.Helper()
	w := &world{t: t, mux: http.NewServeMux(), counts: counts}
	w.self.Config = api.Config{State: api.Current, LoadedAt: time.Unix(1767690000, 0)}
	tr, err := tracker.Open(tracker.Options{Journal: empty{}, Sender: nobody{}, Feed: w.counts})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = tr.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	w.tracker = tr
	w.configure(config.Page{Metrics: config.MetricsFull}, checks...)
	for _, route := range metrics.Routes(metrics.Options{Daemon: w, Counts: w.counts, Version: "1.2.3"}) {
		w.mux.Handle(route.Pattern, route.Handler)
	}
	return w
}

func (w *world) Snapshot(ctx context.Context) (*tracker.Snapshot, error) {
	return w.tracker.Snapshot(ctx)
}
func (w *world) Self() api.Self { return w.self }
func (w *world) Nodes(context.Context) (api.Nodes, error) {
	if w.nodes == nil {
		return api.Nodes{}, api.ErrNoCluster
	}
	return *w.nodes, nil
}

func (w *world) Test(ctx context.Context, c *config.Check, o api.TestOptions) (incident.Result, error) {
	return w.test(ctx, c, o)
}
func (w *world) History() *history.Store { return history.Open(history.Options{}) }

func (w *world) configure(page config.Page, checks ...*config.Check) {
	w.t.Helper()
	cfg := &config.Config{Page: page, Cluster: w.cluster, Checks: map[config.CheckID]*config.Check{}, Groups: map[config.GroupID]*config.Group{}}
	for _, c := range checks {
		cfg.Checks[c.ID] = c
		for _, g := range c.Path {
			cfg.Groups[g] = &config.Group{ID: g}
		}
	}
	if err := w.tracker.Configure(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
	w.counts.Use(cfg, time.Now(), calendar.New(cfg).Maintenance, nothing)
}

// among makes it one of several nodes, with the checks that it has.
func (w *world) among(nodes *api.Nodes) {
	w.t.Helper()
	s, err := w.Snapshot(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var checks []*config.Check
	for c := range s.Checks() {
		checks = append(checks, c.Check)
	}
	w.nodes, w.cluster = nodes, &config.Cluster{}
	w.configure(s.Config.Page, checks...)
}

// observe reports a probe of now.
func (w *world) observe(r incident.Result) {
	w.t.Helper()
	if r.Started.IsZero() {
		r.Started = time.Now()
		r.Ended = r.Started
	}
	w.tracker.Observe(w.t.Context(), r)
}

// get asks for a path, with headers in pairs, as a visitor; nil: one who may do all.
func (w *world) get(path string, who *api.Visitor, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if who != nil {
		r = r.WithContext(api.WithVisitor(r.Context(), who))
	}
	answer := httptest.NewRecorder()
	w.mux.ServeHTTP(answer, r)
	return answer
}

// scrape returns what a path answers, as the text format has it.
func (w *world) scrape(path string, who *api.Visitor) map[string]*dto.MetricFamily {
	w.t.Helper()
	return parse(w.t, w.get(path, who))
}

func parse(t testing.TB, answer *httptest.ResponseRecorder) map[string]*dto.MetricFamily {
	t.Helper()
	if answer.Code != http.StatusOK {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer.Body.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, answer.Body)
	}
	return families
}

// series lists the series of a family in the order of the answer, as "name=value ... value".
func series(f *dto.MetricFamily) (list []string) {
	for _, m := range f.GetMetric() {
		var text strings.Builder
		for _, l := range m.GetLabel() {
			text.WriteString(l.GetName() + "=" + l.GetValue() + " ")
		}
		value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
		number, _ := json.Marshal(value)
		list = append(list, text.String()+string(number))
	}
	return list
}

// check returns a check that is probed every minute.
func check(id config.CheckID, path ...config.GroupID) *config.Check {
	return &config.Check{
		ID: id, Label: "IMAP of " + string(id), Server: config.ServerID(strings.SplitN(string(id), "/", 2)[0]), Path: path, Enabled: true,
		Probe:  config.Probe{Hostname: "mx1.example.org", Port: 993, Security: config.TLSFromStart, Interval: time.Minute, Timeout: 10 * time.Second},
		Policy: config.Policy{FaultTolerance: 3 * time.Minute, RecoveryTolerance: time.Minute, SLO: 99.9},
	}
}

// good is a good probe of a check at some addresses.
func good(id config.CheckID, addresses ...string) incident.Result {
	r := incident.Result{Check: id, Observed: config.ConditionSet(config.ConditionService)}
	for _, a := range addresses {
		r.Addresses = append(r.Addresses, incident.Address{
			IP: netip.MustParseAddr(a), Port: 993, Health: incident.OK,
			Timings: config.PhaseTimes{config.PhaseDNS: time.Millisecond, config.PhaseConnect: 20 * time.Millisecond, config.WholeConversation: 250 * time.Millisecond},
			TLS:     &incident.TLSInfo{Subject: "CN=whatever the server likes", NotAfter: time.Unix(1800000000, 0)},
		})
	}
	return r
}

// bad is a probe that found the service down.
func bad(id config.CheckID) incident.Result {
	return incident.Result{
		Check: id, Observed: config.ConditionSet(config.ConditionService),
		Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseRefused}},
	}
}

// An empty journal takes records and has none.
type empty struct{}

func (empty) Append(...journal.Record) error { return nil }
func (empty) Replay() iter.Seq2[journal.Record, error] {
	return func(func(journal.Record, error) bool) {}
}

func (empty) Status() journal.Status                 { return journal.Status{Durable: true, Clean: true} }
func (empty) Size() int64                            { return 0 }
func (empty) Compact(iter.Seq[journal.Record]) error { return nil }
func (empty) Wanted() <-chan struct{}                { return nil }
func (empty) Verify()                                {}

// nobody is sent anything.
type nobody struct{}

func (nobody) Send(config.NotifyID, json.RawMessage, notifiers.Message) {}
