package metrics

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// counting returns counts of some checks, and a result of one of them at two addresses.
func counting(checks int) (*Counts, incident.Result) {
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for i := range checks {
		id := config.CheckID(fmt.Sprintf("mx%05d/imaps", i))
		cfg.Checks[id] = &config.Check{ID: id, Enabled: true, Probe: config.Probe{Interval: time.Minute, Timeout: 10 * time.Second}}
	}
	c := NewCounts()
	never := func(*config.Check, time.Time) (time.Time, bool) { return time.Time{}, false }
	c.Use(cfg, time.Now(), never, func(config.CheckID) []incident.Incident { return nil })
	r := incident.Result{Check: "mx00000/imaps", Observed: config.ConditionSet(config.ConditionService), Started: time.Now(), Addresses: make([]incident.Address, 2)}
	for i := range r.Addresses {
		for p := range config.TimedPhases() {
			r.Addresses[i].Timings[p] = time.Duration(p+1) * 3 * time.Millisecond
		}
	}
	return c, r
}

// Nobody needs to scrape, and yet nothing is kept for long.
func TestDurationsAreCountedWithoutAScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, r := counting(1)
		go func() { _ = c.Run(t.Context()) }()
		c.Result(r)
		time.Sleep(observeEvery)
		synctest.Wait()
		var m dto.Metric
		if err := c.histogram.WithLabelValues("login").(interface{ Write(*dto.Metric) error }).Write(&m); err != nil {
			t.Fatal(err)
		}
		if n := m.GetHistogram().GetSampleCount(); n != 2 || len(c.durations) != 0 {
			t.Errorf("%d logins are in the histogram, and %d durations wait", n, len(c.durations))
		}
	})
}

// However long nobody takes the durations, there is a bound.
func TestDurationsAreBounded(t *testing.T) {
	c, r := counting(1)
	c.durations = make([]duration, mostDurations-1, mostDurations)
	c.Result(r)
	if len(c.durations) != mostDurations {
		t.Errorf("%d durations are kept", len(c.durations))
	}
}

// What the counters cost the goroutine that decides alarms: a result of two addresses with all
// phases, among 10,000 checks. Durations are taken away as they are each second of 10,000 checks.
func BenchmarkFeed(b *testing.B) {
	c, r := counting(10_000)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.Started = r.Started.Add(time.Millisecond)
		c.Result(r)
		if n++; n%167 == 0 {
			b.StopTimer()
			c.observeDurations()
			b.StartTimer()
		}
	}
}
