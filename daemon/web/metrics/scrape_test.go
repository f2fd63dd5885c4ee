package metrics_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%q\nwant\n%q", what, got, want)
	}
}

func TestAScrapeTellsOfEachCheck(t *testing.T) {
	w := newWorld(t, check("mx1/imaps", "europe", "europe/germany"), check("mx2/imaps"))
	w.observe(good("mx1/imaps", "192.0.2.1", "2001:db8::1"))
	w.observe(bad("mx2/imaps"))
	f := w.scrape("/metrics", nil)
	expect(t, "up", series(f["imapvigil_check_up"]),
		"check=mx1/imaps server=mx1 group=europe/germany 1", "check=mx2/imaps server=mx2 group= 0")
	expect(t, "degraded", series(f["imapvigil_check_degraded"]),
		"check=mx1/imaps server=mx1 group=europe/germany 0", "check=mx2/imaps server=mx2 group= 0")
	expect(t, "addresses", series(f["imapvigil_address_up"]),
		"check=mx1/imaps family=ipv4 address=192.0.2.1 1", "check=mx1/imaps family=ipv6 address=2001:db8::1 1")
	expect(t, "phases", series(f["imapvigil_probe_phase_seconds"]),
		"check=mx1/imaps phase=dns 0.001", "check=mx1/imaps phase=connect 0.02", "check=mx1/imaps phase=total 0.25")
	expect(t, "certificate", series(f["imapvigil_certificate_not_after_seconds"]), "check=mx1/imaps 1800000000")
	expect(t, "objective", series(f["imapvigil_slo_objective_ratio"]), "check=mx1/imaps 0.999", "check=mx2/imaps 0.999")
}

// Neither 0 nor 1 would be true.
func TestWhatIsNotKnownHasNoSeries(t *testing.T) {
	paused := check("mx3/imaps")
	paused.Enabled = false
	w := newWorld(t, check("mx1/imaps"), check("mx2/imaps"), paused)
	w.observe(good("mx2/imaps", "192.0.2.1"))
	w.observe(incident.Result{Check: "mx2/imaps", Addresses: []incident.Address{{Health: incident.Unknown}}}) // the monitor could not judge
	f := w.scrape("/metrics", nil)
	expect(t, "up", series(f["imapvigil_check_up"]))
	expect(t, "degraded", series(f["imapvigil_check_degraded"]))
	expect(t, "addresses", series(f["imapvigil_address_up"]))
	if n := len(series(f["imapvigil_check_info"])); n != 3 {
		t.Errorf("%d checks have their info", n)
	}
}

func TestNoMoreThanSixteenAddresses(t *testing.T) {
	w := newWorld(t, check("mx1/imaps"))
	r := good("mx1/imaps", "192.0.2.1", "192.0.2.1")
	for i := range 30 {
		r.Addresses = append(r.Addresses, r.Addresses[0])
		a := r.Addresses[0].IP.As4()
		a[3] = byte(10 + i)
		r.Addresses[i+2].IP = r.Addresses[0].IP.Next()
		if i > 0 {
			r.Addresses[i+2].IP = r.Addresses[i+1].IP.Next()
		}
	}
	w.observe(r)
	list := series(w.scrape("/metrics", nil)["imapvigil_address_up"])
	if len(list) != 16 || len(slices.Compact(slices.Sorted(slices.Values(list)))) != 16 {
		t.Errorf("%d addresses: %q", len(list), list)
	}
}

func TestGroupsShardAScrape(t *testing.T) {
	w := newWorld(t, check("a/imaps", "europe", "europe/germany"), check("b/imaps", "asia"), check("c/imaps"))
	for _, c := range []struct {
		query string
		want  []string
		self  bool
	}{
		{"", []string{"a/imaps", "b/imaps", "c/imaps"}, true},
		{"?group=europe", []string{"a/imaps"}, false},
		{"?group=europe/germany", []string{"a/imaps"}, false},
		{"?group=asia&group=europe", []string{"a/imaps", "b/imaps"}, false},
		{"?group=", []string{"c/imaps"}, true},
	} {
		f := w.scrape("/metrics"+c.query, nil)
		var ids []string
		for _, m := range f["imapvigil_check_info"].GetMetric() {
			ids = append(ids, m.GetLabel()[0].GetValue())
		}
		expect(t, c.query, ids, c.want...)
		if got := f["imapvigil_journal_durable"] != nil; got != c.self {
			t.Errorf("%s: of the daemon itself: %v", c.query, got)
		}
	}
	if answer := w.get("/metrics?group=atlantis", nil); answer.Code != http.StatusNotFound {
		t.Error("a group that does not exist:", answer.Code)
	}
}

func TestAVisitorSeesHisGroups(t *testing.T) {
	w := newWorld(t, check("a/imaps", "europe"), check("b/imaps", "asia"))
	f := w.scrape("/metrics", &api.Visitor{Rights: []api.Right{api.Metrics}, Groups: []config.GroupID{"asia"}})
	expect(t, "checks", series(f["imapvigil_check_info"]), "check=b/imaps label=IMAP of b/imaps server=b group=asia 1")
	if f["go_goroutines"] != nil || f["imapvigil_journal_durable"] != nil {
		t.Error("he is told of the daemon")
	}
	for group, want := range map[string]int{"asia": 200, "europe": 404, "atlantis": 404} {
		if answer := w.get("/metrics?group="+group, &api.Visitor{Rights: []api.Right{api.Metrics}, Groups: []config.GroupID{"asia"}}); answer.Code != want {
			t.Errorf("%s is answered with %d", group, answer.Code)
		}
	}
}

func TestMetricsMayBeFewOrOff(t *testing.T) {
	w := newWorld(t)
	w.configure(config.Page{Metrics: config.MetricsSummary}, check("mx1/imaps"))
	w.observe(good("mx1/imaps", "192.0.2.1"))
	f := w.scrape("/metrics", nil)
	if f["imapvigil_address_up"] != nil || f["imapvigil_probe_phase_seconds"] != nil || f["imapvigil_check_up"] == nil {
		t.Error("summary has phases or addresses, or nothing at all")
	}
	w.configure(config.Page{Metrics: config.MetricsOff})
	if answer := w.get("/metrics", nil); answer.Code != http.StatusNotFound {
		t.Error("off answers", answer.Code)
	}
}

// Whatever a server says, no label has it, and no help text.
func TestNoWordOfAServerIsTold(t *testing.T) {
	const said = "CANARY"
	w := newWorld(t, check("mx1/imaps"))
	r := bad("mx1/imaps")
	r.Findings[0].Evidence, r.Findings[0].Hint = opaque.Sanitise(said), said
	r.Notes = []incident.Note{{Cause: config.CauseAlert, Text: said, Evidence: opaque.Sanitise(said)}}
	r.Addresses = good("mx1/imaps", "192.0.2.1").Addresses
	a := &r.Addresses[0]
	a.Evidence, a.Hint, a.Capabilities = opaque.Sanitise(said), said, []string{said}
	a.TLS.Subject, a.TLS.Issuer, a.TLS.Names, a.TLS.SPKI = said, said, []string{said}, said
	w.observe(r)
	w.test = func(context.Context, *config.Check, api.TestOptions) (incident.Result, error) { return r, nil }
	for _, path := range []string{"/metrics", "/probe?target=mx1/imaps"} {
		for _, accept := range []string{"", wantsOpenMetrics, wantsProtobuf} {
			if answer := w.get(path, nil, "Accept", accept); answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), said) {
				t.Errorf("%s, %s: %d\n%s", path, accept, answer.Code, answer.Body)
			}
		}
	}
}
