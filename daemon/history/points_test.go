package history

import (
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A seen is one probe of a model that keeps each of them.
type seen struct {
	at     time.Time
	health incident.Health
	took   time.Duration
}

// What is read is what was observed, to three per cent, wherever it is kept: in the log, in
// chunks, or in both.
func TestPointsAreWhatWasObserved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := newDrive(t, newYear)
		defer d.crash()
		d.store.Use(configuration("a", "b"))
		var model []seen
		written := d.now
		for range rapid.IntRange(1, 60).Draw(rt, "probes") {
			pause := time.Duration(rapid.IntRange(1, 60_000).Draw(rt, "pause")*rapid.SampledFrom([]int{1, 1, 30}).Draw(rt, "long")) * time.Millisecond
			// The writer comes within two minutes, or what is older is dropped.
			if rapid.IntRange(0, 3).Draw(rt, "write") == 0 || d.now.Add(pause).Sub(written) > maxWait {
				d.mustRound()
				written = d.now
			}
			d.now = d.now.Add(pause)
			s := seen{
				d.now, rapid.SampledFrom([]incident.Health{incident.OK, incident.OK, incident.Degraded, incident.Down, incident.Unknown}).Draw(rt, "health"),
				time.Duration(rapid.IntRange(1, 10_000_000).Draw(rt, "took")) * time.Microsecond,
			}
			model = append(model, s)
			d.observe("a", s.health, s.took, "192.0.2.1", "2001:db8::1")
			d.observe("b", incident.OK, time.Second, "192.0.2.1")
		}
		d.mustRound()
		step := rapid.SampledFrom([]time.Duration{time.Minute, 7 * time.Minute, time.Hour, 24 * time.Hour}).Draw(rt, "step")
		got := d.points("a", step)
		want := modelPoints(model, step)
		if len(got) != len(want) {
			rt.Fatalf("%d points, want %d", len(got), len(want))
		}
		for i := range got {
			comparePoint(rt, &got[i], &want[i])
		}
	})
}

// modelPoints sums up probes of two addresses, which took the same time.
func modelPoints(model []seen, step time.Duration) (list []Point) {
	byStep := map[int64][]seen{}
	var steps []int64
	for _, s := range model {
		k := int64(s.at.Sub(newYear) / step)
		if byStep[k] == nil {
			steps = append(steps, k)
		}
		byStep[k] = append(byStep[k], s)
	}
	for _, k := range steps {
		p := Point{At: newYear.Add(time.Duration(k) * step)}
		var took []time.Duration
		for _, s := range byStep[k] {
			p.N++
			switch s.health {
			case incident.OK:
				p.OK++
			case incident.Degraded:
				p.Degraded++
			case incident.Down:
				p.Down++
			case incident.Unknown:
				p.Unknown++
			}
			if s.health == incident.OK || s.health == incident.Degraded {
				took = append(took, s.took, s.took)
			}
		}
		slices.Sort(took)
		if n := len(took); n > 0 {
			rank := func(share float64) time.Duration { return took[max(int(math.Ceil(share*float64(n))), 1)-1] }
			p.P50[0], p.P95[0], p.P99[0], p.Max = rank(0.5), rank(0.95), rank(0.99), took[n-1]
			p.P50[config.PhaseConnect] = p.P50[0] / 4
		}
		list = append(list, p)
	}
	return list
}

func comparePoint(t *rapid.T, got, want *Point) {
	if !got.At.Equal(want.At) || got.N != want.N || got.OK != want.OK || got.Degraded != want.Degraded || got.Down != want.Down || got.Unknown != want.Unknown {
		t.Fatalf("a point is\n%+v\nwant\n%+v", got, want)
	}
	for name, pair := range map[string][2]time.Duration{
		"p50": {got.P50[0], want.P50[0]}, "p95": {got.P95[0], want.P95[0]}, "p99": {got.P99[0], want.P99[0]}, "max": {got.Max, want.Max},
		"p50 of connect": {got.P50[config.PhaseConnect], want.P50[config.PhaseConnect]},
	} {
		switch {
		case pair[1] == 0 && pair[0] == 0, pair[0] == shortest && pair[1] <= shortest:
		case math.Abs(float64(pair[0])/float64(pair[1])-1) > 0.031:
			t.Fatalf("%s at %s is %s, want %s", name, want.At, pair[0], pair[1])
		}
	}
}

// When each probe is not kept any more the hours are, and then the days; percentiles of the
// whole conversation stay right, and no probe is counted twice.
func TestOldPointsAreHoursAndThenDays(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	cfg := configuration("a")
	cfg.History = config.History{Detail: 24 * time.Hour, Hourly: 5 * 24 * time.Hour, Daily: 30 * 24 * time.Hour}
	d.store.Use(cfg)
	for i := range 40 * 24 * 6 { // each ten minutes for forty days
		took := 100 * time.Millisecond
		if i%20 == 0 {
			took = time.Second // one of twenty
		}
		d.observe("a", incident.OK, took, "192.0.2.1")
		d.now = d.now.Add(10 * time.Minute)
		d.mustRound()
	}
	days := d.points("a", 24*time.Hour)
	if len(days) < 30 || len(days) > 31 {
		t.Fatalf("%d days are kept", len(days))
	}
	for _, p := range days[:len(days)-1] {
		if p.N != 144 || p.OK != 144 || !near(p.P50[0], 100*time.Millisecond) || !near(p.P99[0], time.Second) || !near(p.P50[config.PhaseConnect], 25*time.Millisecond) {
			t.Errorf("%+v", p)
		}
	}
	from := d.now.Add(-4 * 24 * time.Hour).Truncate(24 * time.Hour)
	hours, err := d.store.Points(t.Context(), "a", from, d.now, time.Hour)
	if err != nil || len(hours) != 4*24 || hours[0].N != 6 || hours[95].N != 6 {
		t.Errorf("%d hours of the last four days, %v", len(hours), err)
	}
	minutes, err := d.store.Points(t.Context(), "a", from, d.now, time.Minute)
	if err != nil || len(minutes) < 24*6+3*24-7 || len(minutes) > 24*6+3*24+7 {
		t.Errorf("%d points: %v; want each probe of the last day, and the hours before", len(minutes), err)
	}
}

func near(got, want time.Duration) bool { return math.Abs(float64(got)/float64(want)-1) <= 0.03 }

// A ghost is the median of an address, of good conversations only.
func TestGhostsAreMediansOfGoodConversations(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	for i := range 100 {
		d.observe("a", incident.OK, time.Duration(100+i)*time.Millisecond, "192.0.2.2")
		d.observe("a", incident.OK, 10*time.Millisecond, "192.0.2.10")
		d.observe("a", incident.Down, 30*time.Second, "192.0.2.2")
		d.now = d.now.Add(time.Minute)
		d.mustRound()
	}
	got, err := d.store.Ghost(t.Context(), "a")
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if g := got[0]; g.Address != netip.MustParseAddr("192.0.2.2") || g.N != 100 || !near(g.Median[0], 149*time.Millisecond) {
		t.Errorf("%+v", g)
	}
	if g := got[1]; g.Address != netip.MustParseAddr("192.0.2.10") || g.N != 100 || !near(g.Median[config.PhaseTLS], 5*time.Millisecond) {
		t.Errorf("%+v", g)
	}
}
