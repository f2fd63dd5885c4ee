package calendar_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// night is "mon-fri 18:00-08:00", "sat,sun 00:00-24:00".
var night = []config.Window{
	{Days: [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true}, From: 18 * 60, To: 8 * 60},
	{Days: [7]bool{time.Saturday: true, time.Sunday: true}, From: 0, To: 24 * 60},
}

// early is "sun 02:30-03:30", which is where clocks are changed.
var early = []config.Window{{Days: [7]bool{time.Sunday: true}, From: 2*60 + 30, To: 3*60 + 30}}

const layout = "Mon 2006-01-02 15:04:05 -0700"

func TestWithin(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	schedules := calendar.New(&config.Config{Schedules: map[config.ScheduleID]*config.Schedule{
		"night":  {ID: "night", Zone: zone, Windows: night},
		"early":  {ID: "early", Zone: zone, Windows: early},
		"always": {ID: "always", Zone: zone, Windows: []config.Window{{Days: [7]bool{true, true, true, true, true, true, true}, From: 0, To: 1440}}},
	}})
	cases := []struct {
		schedule config.ScheduleID
		at       string
		within   bool
		next     string // the beginning of the next window
	}{
		{"night", "Wed 2026-01-07 17:59:59 +0100", false, "Wed 2026-01-07 18:00:00 +0100"},
		{"night", "Wed 2026-01-07 18:00:00 +0100", true, ""},
		{"night", "Thu 2026-01-08 07:59:59 +0100", true, ""},
		{"night", "Thu 2026-01-08 08:00:00 +0100", false, "Thu 2026-01-08 18:00:00 +0100"},
		{"night", "Sat 2026-01-10 12:00:00 +0100", true, ""},
		{"night", "Sun 2026-01-11 23:59:59 +0100", true, ""},
		{"night", "Mon 2026-01-12 00:00:00 +0100", false, "Mon 2026-01-12 18:00:00 +0100"},
		{"always", "Mon 2026-01-12 00:00:00 +0100", true, ""},
		// On 29 March 2026 the clocks go from 02:00 to 03:00: half of the window is left.
		{"early", "Sun 2026-03-29 01:59:59 +0100", false, "Sun 2026-03-29 03:00:00 +0200"},
		{"early", "Sun 2026-03-29 03:00:00 +0200", true, ""},
		{"early", "Sun 2026-03-29 03:29:59 +0200", true, ""},
		{"early", "Sun 2026-03-29 03:30:00 +0200", false, "Sun 2026-04-05 02:30:00 +0200"},
		// On 25 October 2026 they go from 03:00 back to 02:00: 02:30 comes twice.
		{"early", "Sun 2026-10-25 02:29:59 +0200", false, "Sun 2026-10-25 02:30:00 +0200"},
		{"early", "Sun 2026-10-25 02:59:59 +0200", true, ""},
		{"early", "Sun 2026-10-25 02:00:00 +0100", false, "Sun 2026-10-25 02:30:00 +0100"},
		{"early", "Sun 2026-10-25 03:29:59 +0100", true, ""},
		{"none", "Sun 2026-10-25 03:29:59 +0100", true, ""},
	}
	for _, c := range cases {
		at, err := time.Parse(layout, c.at)
		if err != nil {
			t.Fatal(err)
		}
		next, within := schedules.Within(c.schedule, at)
		if within != c.within {
			t.Errorf("%s at %s: within %t", c.schedule, c.at, within)
		}
		if got := show(next, zone); got != c.next {
			t.Errorf("%s at %s: next %q, want %q", c.schedule, c.at, got, c.next)
		}
	}
}

func show(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(layout)
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	start := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	works := map[string]config.Maintenance{
		"once":      {Start: start("2026-01-06 02:00"), Duration: 2 * time.Hour},
		"patchday":  {Start: start("2026-01-06 02:00"), Duration: 2 * time.Hour, RRule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"},
		"second":    {Start: start("2026-01-01 22:00"), Duration: 8 * time.Hour, RRule: "FREQ=MONTHLY;BYDAY=2TU"},
		"daily":     {Start: start("2026-03-01 02:30"), Duration: time.Hour, RRule: "FREQ=DAILY"},
		"thrice":    {Start: start("2026-01-06 02:00"), Duration: time.Hour, RRule: "FREQ=DAILY;COUNT=3"},
		"weekends":  {Weekly: night},
		"back2back": {Start: start("2026-01-06 02:00"), Duration: 25 * time.Hour, RRule: "FREQ=DAILY"},
	}
	cases := []struct {
		name, at string
		in       bool
		change   string
	}{
		{"once", "Tue 2026-01-06 01:59:59 +0100", false, "Tue 2026-01-06 02:00:00 +0100"},
		{"once", "Tue 2026-01-06 02:00:00 +0100", true, "Tue 2026-01-06 04:00:00 +0100"},
		{"once", "Tue 2026-01-06 04:00:00 +0100", false, ""},
		{"patchday", "Tue 2026-01-13 02:00:00 +0100", false, "Tue 2026-01-20 02:00:00 +0100"},
		{"patchday", "Tue 2026-01-20 03:59:59 +0100", true, "Tue 2026-01-20 04:00:00 +0100"},
		// In summer it is still two o'clock.
		{"patchday", "Tue 2026-07-07 02:30:00 +0200", true, "Tue 2026-07-07 04:00:00 +0200"},
		{"second", "Wed 2026-01-14 05:59:59 +0100", true, "Wed 2026-01-14 06:00:00 +0100"},
		{"second", "Wed 2026-01-14 06:00:00 +0100", false, "Tue 2026-02-10 22:00:00 +0100"},
		// 02:30 does not come on 29 March 2026; it is begun an hour later by the clock.
		{"daily", "Sun 2026-03-29 03:45:00 +0200", true, "Sun 2026-03-29 04:30:00 +0200"},
		{"daily", "Mon 2026-03-30 02:45:00 +0200", true, "Mon 2026-03-30 03:30:00 +0200"},
		{"thrice", "Thu 2026-01-08 02:59:59 +0100", true, "Thu 2026-01-08 03:00:00 +0100"},
		{"thrice", "Fri 2026-01-09 02:30:00 +0100", false, "Sat 2027-02-13 02:30:00 +0100"},
		{"weekends", "Sat 2026-01-10 12:00:00 +0100", true, "Mon 2026-01-12 00:00:00 +0100"},
		{"weekends", "Mon 2026-01-12 12:00:00 +0100", false, "Mon 2026-01-12 18:00:00 +0100"},
		{"back2back", "Wed 2026-01-07 02:30:00 +0100", true, "Thu 2026-01-08 03:00:00 +0100"},
	}
	for _, c := range cases {
		at, err := time.Parse(layout, c.at)
		if err != nil {
			t.Fatal(err)
		}
		m := works[c.name]
		m.Zone, m.AppliesTo = zone, []config.Ref{{Server: "mx1"}}
		planned := calendar.New(&config.Config{Maintenance: []config.Maintenance{m}})
		change, in := planned.Maintenance(&config.Check{ID: "mx1/imaps", Server: "mx1"}, at)
		if got := show(change, zone); in != c.in || got != c.change {
			t.Errorf("%s at %s: %t until %q, want %t until %q", c.name, c.at, in, got, c.in, c.change)
		}
		if _, in := planned.Maintenance(&config.Check{ID: "mx2/imaps", Server: "mx2"}, at); in {
			t.Errorf("%s at %s: another server is worked on, too", c.name, c.at)
		}
	}
}

// Of several works the longest counts for now, the next one for later.
func TestSeveralWorks(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 1, 6, hour, 0, 0, 0, time.UTC) }
	check := &config.Check{ID: "mx1/imaps", Server: "mx1", Path: []config.GroupID{"eu", "eu/de"}}
	planned := calendar.New(&config.Config{
		Maintenance: []config.Maintenance{
			{Zone: time.UTC, Start: at(2), Duration: 2 * time.Hour, AppliesTo: []config.Ref{{Group: "eu"}}},
			{Zone: time.UTC, Start: at(3), Duration: 3 * time.Hour, AppliesTo: []config.Ref{{Check: "mx1/imaps"}}},
			{Zone: time.UTC, Start: at(0), Duration: 24 * time.Hour, AppliesTo: []config.Ref{{Group: "us"}}},
		},
	})
	for _, c := range []struct {
		hour   int
		in     bool
		change int
	}{{1, false, 2}, {2, true, 4}, {3, true, 4}, {5, true, 6}, {1, false, 2}} {
		change, in := planned.Maintenance(check, at(c.hour))
		if in != c.in || !change.Equal(at(c.change)) {
			t.Errorf("at %d o'clock: %t until %s", c.hour, in, change)
		}
	}
}

// However windows lie and wherever: nothing changes before the time that is
// given for it, and at that time it does.
func TestNothingChangesInBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{
			"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
		}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		var windows []config.Window
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			w := config.Window{From: rapid.IntRange(0, 1439).Draw(t, "from"), To: rapid.IntRange(1, 1440).Draw(t, "to")}
			if w.From == w.To {
				w.To++
			}
			for day := range w.Days {
				w.Days[day] = rapid.Bool().Draw(t, "day")
			}
			windows = append(windows, w)
		}
		make := func() *calendar.Calendar {
			return calendar.New(&config.Config{Schedules: map[config.ScheduleID]*config.Schedule{
				"s": {ID: "s", Zone: zone, Windows: windows},
			}})
		}
		at := time.Unix(rapid.Int64Range(1_750_000_000, 1_800_000_000).Draw(t, "at"), 0)
		next, within := make().Within("s", at)
		windowEnd := make().WindowEnd("s", at)
		change := next
		if within {
			change = windowEnd
		} else if !windowEnd.IsZero() {
			t.Fatalf("a window ends at %s, and none has begun", windowEnd.In(zone))
		}
		end := change
		if change.IsZero() {
			end = at.Add(8 * 24 * time.Hour)
		}
		for between := at; between.Before(end); between = between.Add(7 * time.Minute) {
			if _, in := make().Within("s", between); in != within {
				t.Fatalf("at %s within is %t, and nothing was said to change before %s", between.In(zone), in, change.In(zone))
			}
		}
		if _, in := make().Within("s", change); !change.IsZero() && in == within {
			t.Fatalf("at %s nothing changes", change.In(zone))
		}
	})
}
