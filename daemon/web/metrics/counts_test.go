package metrics_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/web/metrics"
)

// nothing is a list of incidents of each check.
func nothing(config.CheckID) []incident.Incident { return nil }

// The tracker decides, and the counters follow: a failure waits until it is reported.
func TestSecondsAreAddedWhenTheirStateIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, check("mx1/imaps"))
		expectSeconds := func(up, down string) {
			t.Helper()
			f := w.scrape("/metrics", nil)["imapvigil_check_state_seconds_total"]
			expect(t, "seconds", series(f), "check=mx1/imaps state=up "+up, "check=mx1/imaps state=down "+down,
				"check=mx1/imaps state=unknown 5", "check=mx1/imaps state=maintenance 0")
		}
		time.Sleep(5 * time.Second)
		w.observe(good("mx1/imaps"))
		time.Sleep(time.Minute)
		w.observe(bad("mx1/imaps"))
		expectSeconds("60", "0")
		for range 2 {
			time.Sleep(time.Minute)
			w.observe(bad("mx1/imaps"))
		}
		expectSeconds("60", "0")
		time.Sleep(time.Minute)
		w.observe(bad("mx1/imaps")) // reported
		expectSeconds("60", "180")
		time.Sleep(time.Minute)
		w.observe(good("mx1/imaps"))
		expectSeconds("60", "240")
		time.Sleep(30 * time.Second)
		w.observe(good("mx1/imaps"))
		expectSeconds("60", "240") // it may be a good spell
		time.Sleep(30 * time.Second)
		w.observe(good("mx1/imaps"))
		expectSeconds("120", "240")
	})
}

func TestTimeWhilePausedIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, paused := check("mx1/imaps"), check("mx1/imaps")
		paused.Enabled = false
		w := newWorld(t, c)
		full := config.Page{Metrics: config.MetricsFull}
		w.observe(good("mx1/imaps"))
		time.Sleep(time.Minute)
		w.observe(good("mx1/imaps"))
		time.Sleep(10 * time.Second)
		w.configure(full, paused)
		time.Sleep(time.Hour)
		w.configure(full, c)
		time.Sleep(3 * time.Second)
		w.observe(good("mx1/imaps"))
		expect(t, "seconds", series(w.scrape("/metrics", nil)["imapvigil_check_state_seconds_total"]),
			"check=mx1/imaps state=up 60", "check=mx1/imaps state=down 0", "check=mx1/imaps state=unknown 3", "check=mx1/imaps state=maintenance 0")
	})
}

// A check that is called otherwise now keeps its counters, and one whose incident is known from
// before is down, once it is seen again.
func TestCountersFollowTheFiles(t *testing.T) {
	counts := metrics.NewCounts()
	now := time.Now()
	use := func(cfg *config.Config, incidents ...incident.Incident) {
		counts.Use(cfg, now, calendar.New(cfg).Maintenance, func(config.CheckID) []incident.Incident { return incidents })
	}
	observe := func(id config.CheckID) {
		r := bad(id)
		r.Started, r.Ended = now, now
		counts.Result(r)
	}
	use(&config.Config{Checks: map[config.CheckID]*config.Check{"a": check("a")}},
		incident.Incident{Check: "a", Condition: config.ConditionService, StartedAt: now, FailingSince: now, Reported: 1})
	observe("a")
	now = now.Add(time.Minute)
	observe("a")
	use(&config.Config{Checks: map[config.CheckID]*config.Check{"b": check("b")}, Moved: []config.Move{{From: "a", To: "b"}}})
	w := newWorldOf(t, counts, check("b"))
	f := w.scrape("/metrics", nil)
	expect(t, "seconds", series(f["imapvigil_check_state_seconds_total"]),
		"check=b state=up 0", "check=b state=down 60", "check=b state=unknown 0", "check=b state=maintenance 0")
	expect(t, "failures", series(f["imapvigil_probe_failures_total"]), "check=b phase=connect cause=refused 2")
}

func TestProbesAndAttemptsAreCounted(t *testing.T) {
	w := newWorld(t, check("mx1/imaps"))
	for range 3 {
		w.observe(good("mx1/imaps", "192.0.2.1", "192.0.2.2"))
	}
	w.observe(bad("mx1/imaps"))
	slow := good("mx1/imaps")
	slow.Addresses = []incident.Address{{IP: netip.MustParseAddr("192.0.2.1"), Health: incident.OK}}
	slow.Findings = []incident.Finding{{Condition: config.ConditionLatency, Health: incident.Degraded, Phase: config.PhaseGreeting, Cause: config.CauseSlow}}
	w.observe(slow)
	unknown := incident.Result{Check: "mx1/imaps", Findings: []incident.Finding{{Condition: config.ConditionService, Health: incident.Unknown, Cause: "clock"}}}
	w.observe(unknown) // is no failure of the server
	w.counts.Outcome("email.mailroom", "retrying")
	w.counts.Outcome("email.mailroom", "sent")
	w.counts.Outcome("email.mailroom", "sent")
	f := w.scrape("/metrics", nil)
	expect(t, "failures", series(f["imapvigil_probe_failures_total"]),
		"check=mx1/imaps phase=connect cause=refused 1", "check=mx1/imaps phase=greeting cause=slow 1")
	expect(t, "attempts", series(f["imapvigil_notifications_total"]),
		"notifier=email.mailroom outcome=retrying 1", "notifier=email.mailroom outcome=sent 2")
	for _, m := range f["imapvigil_probe_duration_seconds"].GetMetric() {
		n := m.GetHistogram().GetSampleCount()
		if phase := m.GetLabel()[0].GetValue(); (phase == "dns" || phase == "total") && n != 6 || phase == "login" && n != 0 {
			t.Errorf("%s was counted %d times", phase, n)
		}
	}
}
