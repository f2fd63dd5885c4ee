package availability_test

import (
	"math"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/availability"
)

// TestPercentNeverSaysMoreThanWasKept holds the rounding: cut, with as many decimals as show that
// something is missing.
func TestPercentNeverSaysMoreThanWasKept(t *testing.T) {
	t.Parallel()
	month := 30 * 24 * time.Hour
	year := 365 * 24 * time.Hour
	for _, c := range []struct {
		down, of time.Duration
		want     string
	}{
		{0, month, "100.00 %"},
		{time.Second, month, "99.99996 %"},
		{time.Second, year, "99.999996 %"},
		{time.Nanosecond, year, "99.999999 %"},
		{time.Minute, month, "99.997 %"},
		{month / 1000, month, "99.90 %"},
		{month/1000 + time.Second, month, "99.89 %"},
		{month / 10000, month, "99.990 %"},
		{month, month, "0.00 %"},
		{month / 3, month, "66.66 %"},
	} {
		s := availability.Seconds{Down: c.down, OK: c.of - c.down}
		if got := availability.Percent(s.Figures().Availability); got != c.want {
			t.Errorf("%s of %s down: %s, want %s", c.down, c.of, got, c.want)
		}
	}
	if got := availability.Percent(nil); got != "no data" {
		t.Error(got)
	}
}

// TestPromises holds the three verdicts at their borders, which no binary fraction may move.
func TestPromises(t *testing.T) {
	t.Parallel()
	sums := func(ok, down, unknown int) availability.Seconds {
		s := time.Second
		return availability.Seconds{OK: time.Duration(ok) * s, Down: time.Duration(down) * s, Unknown: time.Duration(unknown) * s}
	}
	for _, c := range []struct {
		ok, down, unknown int
		promise           float64
		want              availability.Verdict
	}{
		{999, 1, 0, 99.9, availability.Kept},
		{9989, 11, 0, 99.9, availability.Missed},
		{998, 1, 1, 99.9, availability.NotProven}, // 99.8 % to 99.9 %
		{998, 0, 2, 99.9, availability.NotProven},
		{997, 2, 1, 99.9, availability.Missed}, // 99.7 % to 99.8 %
		{0, 0, 0, 99.9, availability.NotProven},
		{0, 0, 10, 99.9, availability.NotProven},
		{10, 0, 0, 100, availability.Kept},
		{99999, 1, 0, 100, availability.Missed},
		{99999, 1, 0, 99.999, availability.Kept},
	} {
		if got := availability.Judge(sums(c.ok, c.down, c.unknown), c.promise).Verdict; got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	slo := availability.Judge(sums(9990, 10, 0), 99.8)
	if slo.Objective != 0.998 || slo.Budget != 20*time.Second || slo.Left != 10*time.Second {
		t.Errorf("%+v", slo)
	}
}

// TestBudgetGone says when a budget is used up: what is left grows by what is allowed, and
// shrinks by what fails.
func TestBudgetGone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
	hour := availability.Seconds{OK: 57 * time.Minute, Down: 3 * time.Minute}
	burn := availability.Burn(hour, 99) // 5 % where 1 % is allowed
	if burn == nil || math.Abs(*burn-5) > 1e-9 {
		t.Fatal(burn)
	}
	slo := availability.SLO{Objective: 0.99, Left: 4 * time.Minute}
	// In 100 minutes 5 are used, and 1 is added.
	if got := availability.BudgetGone(slo, burn, now).Round(time.Second); !got.Equal(now.Add(100 * time.Minute)) {
		t.Error(got)
	}
	one := 1.0
	for name, at := range map[string]time.Time{
		"no data":          availability.BudgetGone(slo, nil, now),
		"within budget":    availability.BudgetGone(slo, &one, now),
		"gone":             availability.BudgetGone(availability.SLO{Objective: 0.99, Left: -1}, burn, now),
		"not for years":    availability.BudgetGone(availability.SLO{Objective: 0.99, Left: 10000 * time.Hour}, burn, now),
		"no budget at all": availability.BudgetGone(availability.Judge(hour, 100), availability.Burn(hour, 100), now),
	} {
		if !at.IsZero() {
			t.Errorf("%s: %s", name, at)
		}
	}
	if availability.Burn(availability.Seconds{Unknown: time.Hour}, 99) != nil {
		t.Error("a burn rate without data")
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	list := []availability.Incident{
		{Started: at(0), Reported: at(3), Notified: at(4), Acknowledged: at(10), Ended: at(30)},
		{Started: at(100), Reported: at(105), Notified: at(105), Ended: at(110)},
		{Started: at(200), Reported: at(202)},
		{Started: at(300), Reported: at(309), Notified: at(308)}, // the clock was set back between
	}
	got := availability.StepsOf(list)
	want := availability.Steps{
		Notice:      availability.Spread{Median: 4 * time.Minute, Worst: 9 * time.Minute, Count: 4},
		Told:        availability.Spread{Median: 0, Worst: time.Minute, Count: 3},
		Acknowledge: availability.Spread{Median: 7 * time.Minute, Worst: 7 * time.Minute, Count: 1},
		Repair:      availability.Spread{Median: 20 * time.Minute, Worst: 30 * time.Minute, Count: 2},
	}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

// TestDayBorders has zones that change their clocks at midnight.
func TestDayBorders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, from, to, want string }{
		{"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T10:00:00Z", "2026-03-29T00:00:00+01:00 2026-03-30T00:00:00+02:00"},
		{"America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T12:00:00Z", "2018-11-03T00:00:00-03:00 2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},
		{"America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T13:00:00Z", "2026-11-01T00:00:00-04:00 2026-11-02T00:00:00-05:00"},
		{"UTC", "2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z", "2028-02-28T00:00:00Z 2028-02-29T00:00:00Z 2028-03-01T00:00:00Z"},
		{"UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z 2026-01-02T00:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := time.Parse(time.RFC3339, c.from)
		to, _ := time.Parse(time.RFC3339, c.to)
		got := ""
		for _, at := range availability.DayBorders(from, to, zone) {
			got += " " + at.In(zone).Format(time.RFC3339)
		}
		if got != " "+c.want {
			t.Errorf("%s: %s, want %s", c.zone, got, c.want)
		}
	}
}

// TestOutages joins incidents that follow each other.
func TestOutages(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	life := availability.Life{Bouts: []availability.Bout{
		{From: at(0), To: at(10), Reported: at(3), Service: true, Incident: "a"},
		{From: at(10), To: at(15), Reported: at(3), Service: true, Incident: "b"},
		{From: at(20), To: at(28), Reported: at(23), Service: true, Incident: "c"},
	}}
	line := availability.Timeline(life, at(-10), at(60), at(60), nil)
	if out := availability.Outages(line); len(out) != 2 || out[0].Incident != "a" || !out[0].To.Equal(at(15)) {
		t.Errorf("%+v", out)
	}
	if got := availability.LongestOutage(line); got != 15*time.Minute {
		t.Error(got)
	}
}

// BenchmarkDays measures the bars of a check that is well, and of one that flaps.
func BenchmarkDays(b *testing.B) {
	borders := availability.DayBorders(start, start.AddDate(0, 0, 89), time.UTC)
	now := start.AddDate(0, 0, 90)
	flaps := availability.Life{}
	for i := range 200 {
		from := start.Add(time.Duration(i) * 10 * time.Hour)
		flaps.Bouts = append(flaps.Bouts, availability.Bout{From: from, To: from.Add(time.Hour), Reported: from, Service: true})
	}
	for name, l := range map[string]availability.Life{"well": {}, "flaps": flaps} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				availability.Days(l, borders, now, nil)
			}
		})
	}
}
