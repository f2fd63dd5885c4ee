package calendar_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

// Exceptions of a schedule: what crosses midnight belongs to the date on which it
// begins.
func TestScheduleExceptions(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	everyDay := [7]bool{true, true, true, true, true, true, true}
	schedules := map[config.ScheduleID]*config.Schedule{
		"night":    {Windows: night, Except: []string{"2026-12-24", "2026-12-26"}},
		"always":   {Windows: []config.Window{{Days: everyDay, From: 0, To: 1440}}, Except: []string{"2026-12-24", "2027-06-01"}},
		"mondays":  {Windows: []config.Window{{Days: [7]bool{time.Monday: true}, From: 480, To: 600}}, Except: []string{"2026-12-07", "2026-12-14", "2026-12-21"}},
		"setback":  {Windows: early, Except: []string{"2026-10-25"}},
		"setback2": {Windows: early, Except: []string{"2026-10-24"}},
	}
	for id, s := range schedules {
		s.ID, s.Zone = id, zone
	}
	planned := calendar.New(&config.Config{Schedules: schedules})
	for _, c := range []struct {
		schedule config.ScheduleID
		at       string
		within   bool
		next     string
	}{
		{"night", "Thu 2026-12-24 07:59:59 +0100", true, ""}, // it began on the 23rd
		{"night", "Thu 2026-12-24 08:00:00 +0100", false, "Fri 2026-12-25 18:00:00 +0100"},
		{"night", "Thu 2026-12-24 18:00:00 +0100", false, "Fri 2026-12-25 18:00:00 +0100"},
		{"night", "Fri 2026-12-25 02:00:00 +0100", false, "Fri 2026-12-25 18:00:00 +0100"},
		{"night", "Sat 2026-12-26 07:59:59 +0100", true, ""}, // of Friday's window, not of Saturday's
		{"night", "Sat 2026-12-26 08:00:00 +0100", false, "Sun 2026-12-27 00:00:00 +0100"},
		{"always", "Wed 2026-12-23 12:00:00 +0100", true, ""},
		{"always", "Wed 2026-12-23 23:59:59 +0100", true, ""},
		{"always", "Thu 2026-12-24 00:00:00 +0100", false, "Fri 2026-12-25 00:00:00 +0100"},
		{"always", "Tue 2027-06-01 00:00:00 +0200", false, "Wed 2027-06-02 00:00:00 +0200"},
		{"mondays", "Mon 2026-11-30 10:00:00 +0100", false, "Mon 2026-12-28 08:00:00 +0100"},
		{"setback", "Sun 2026-10-25 02:45:00 +0200", false, "Sun 2026-11-01 02:30:00 +0100"},
		{"setback", "Sun 2026-10-25 02:45:00 +0100", false, "Sun 2026-11-01 02:30:00 +0100"},
		{"setback2", "Sun 2026-10-25 02:45:00 +0100", true, ""},
	} {
		at := clockAt(t, c.at)
		next, within := planned.Within(c.schedule, at)
		if got := show(next, zone); within != c.within || got != c.next {
			t.Errorf("%s at %s: %t, next %q, want %t, %q", c.schedule, c.at, within, got, c.within, c.next)
		}
	}
}

func clockAt(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A schedule that is always open remembers that for years, but not beyond its
// exceptions.
func TestAnExceptionFarAhead(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	always := []config.Window{{Days: [7]bool{true, true, true, true, true, true, true}, From: 0, To: 1440}}
	planned := calendar.New(&config.Config{
		Schedules:   map[config.ScheduleID]*config.Schedule{"s": {ID: "s", Zone: zone, Windows: always, Except: []string{"2027-06-01"}}},
		Maintenance: []config.Maintenance{{Zone: zone, Weekly: always, Except: []string{"2027-06-01"}, AppliesTo: []config.Ref{{Check: "a"}}}},
	})
	at := clockAt(t, "Wed 2026-12-23 12:00:00 +0100")
	for range 200 {
		_, within := planned.Within("s", at)
		_, in := planned.Maintenance(&config.Check{ID: "a"}, at)
		if want := at.In(zone).Format(calendar.DateLayout) != "2027-06-01"; within != want || in != want {
			t.Fatalf("at %s: within %t, in maintenance %t", at.In(zone), within, in)
		}
		at = at.Add(24 * time.Hour)
	}
}

// Work at a time that comes twice in a night runs at the first of the two; of dates
// that are excepted nothing is left.
func TestWorkWhenClocksChange(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	on := func(text string) (start, clock time.Time) {
		clock, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return calendar.FirstShowing(clock, zone), clock
	}
	repeated := func(start, rule string, lasts time.Duration, except ...string) config.Maintenance {
		at, clock := on(start)
		return config.Maintenance{Start: at, Clock: clock, RRule: rule, Duration: lasts, Except: except}
	}
	sunday := [7]bool{time.Sunday: true}
	works := map[string]config.Maintenance{
		"daily":    repeated("2026-10-20 02:30", "FREQ=DAILY", 20*time.Minute),
		"hours":    repeated("2026-10-20 02:00", "FREQ=DAILY;BYHOUR=2,3", 30*time.Minute),
		"skipped":  repeated("2026-03-29 02:30", "FREQ=DAILY", time.Hour),
		"until":    repeated("2026-10-20 02:30", "FREQ=DAILY;UNTIL=20261025T003000Z", 20*time.Minute),
		"until2":   repeated("2026-10-20 02:30", "FREQ=DAILY;UNTIL=20261025T002959Z", 20*time.Minute),
		"except":   repeated("2026-10-20 22:00", "FREQ=DAILY", 8*time.Hour, "2026-10-22", "2026-10-23"),
		"count":    repeated("2026-10-20 22:00", "FREQ=DAILY;COUNT=3", 8*time.Hour, "2026-10-22"),
		"long":     repeated("2026-10-01 12:00", "FREQ=WEEKLY", 30*time.Hour, "2026-10-15"),
		"week":     {Weekly: []config.Window{{Days: sunday, From: 2 * 60, To: 2*60 + 30}}},
		"weeklong": {Weekly: early},
		"weekends": {Weekly: night, Except: []string{"2026-10-24"}},
	}
	start, _ := on("2026-12-20 18:00")
	end, _ := on("2027-01-04 08:00")
	works["once"] = config.Maintenance{Start: start, Duration: end.Sub(start), Except: []string{"2026-12-24", "2026-12-20", "2026-12-25"}}
	for _, c := range []struct {
		name, at string
		in       bool
		change   string
	}{
		{"daily", "Sun 2026-10-25 02:29:59 +0200", false, "Sun 2026-10-25 02:30:00 +0200"},
		{"daily", "Sun 2026-10-25 02:30:00 +0200", true, "Sun 2026-10-25 02:50:00 +0200"},
		{"daily", "Sun 2026-10-25 02:50:00 +0200", false, "Mon 2026-10-26 02:30:00 +0100"},
		{"daily", "Sun 2026-10-25 02:40:00 +0100", false, "Mon 2026-10-26 02:30:00 +0100"},
		{"hours", "Sun 2026-10-25 02:10:00 +0200", true, "Sun 2026-10-25 02:30:00 +0200"},
		{"hours", "Sun 2026-10-25 02:10:00 +0100", false, "Sun 2026-10-25 03:00:00 +0100"},
		// what is skipped on the first day is not skipped on the others
		{"skipped", "Sun 2026-03-29 03:29:59 +0200", false, "Sun 2026-03-29 03:30:00 +0200"},
		{"skipped", "Sun 2026-03-29 03:30:00 +0200", true, "Sun 2026-03-29 04:30:00 +0200"},
		{"skipped", "Mon 2026-03-30 02:30:00 +0200", true, "Mon 2026-03-30 03:30:00 +0200"},
		{"until", "Sun 2026-10-25 02:40:00 +0200", true, "Sun 2026-10-25 02:50:00 +0200"},
		{"until2", "Sun 2026-10-25 02:40:00 +0200", false, "Mon 2027-11-29 01:40:00 +0100"},
		{"except", "Thu 2026-10-22 05:59:59 +0200", true, "Thu 2026-10-22 06:00:00 +0200"},
		{"except", "Thu 2026-10-22 23:00:00 +0200", false, "Sat 2026-10-24 22:00:00 +0200"},
		{"except", "Sat 2026-10-24 01:00:00 +0200", false, "Sat 2026-10-24 22:00:00 +0200"},
		{"count", "Thu 2026-10-22 23:00:00 +0200", false, "Fri 2027-11-26 22:00:00 +0100"},
		{"long", "Fri 2026-10-09 17:59:59 +0200", true, "Fri 2026-10-09 18:00:00 +0200"},
		{"long", "Thu 2026-10-15 12:00:00 +0200", false, "Thu 2026-10-22 12:00:00 +0200"},
		{"week", "Sun 2026-10-25 02:00:00 +0200", true, "Sun 2026-10-25 02:30:00 +0200"},
		{"week", "Sun 2026-10-25 02:15:00 +0100", false, "Sun 2026-11-01 02:00:00 +0100"},
		{"week", "Sun 2026-03-29 03:10:00 +0200", false, "Sun 2026-04-05 02:00:00 +0200"},
		{"weeklong", "Sun 2026-10-25 02:15:00 +0100", true, "Sun 2026-10-25 03:30:00 +0100"},
		{"weeklong", "Sun 2026-03-29 03:00:00 +0200", true, "Sun 2026-03-29 03:30:00 +0200"},
		{"weekends", "Sat 2026-10-24 07:59:59 +0200", true, "Sat 2026-10-24 08:00:00 +0200"},
		{"weekends", "Sat 2026-10-24 12:00:00 +0200", false, "Sun 2026-10-25 00:00:00 +0200"},
		{"once", "Sun 2026-12-20 19:00:00 +0100", false, "Mon 2026-12-21 00:00:00 +0100"},
		{"once", "Mon 2026-12-21 00:00:00 +0100", true, "Thu 2026-12-24 00:00:00 +0100"},
		{"once", "Thu 2026-12-24 12:00:00 +0100", false, "Sat 2026-12-26 00:00:00 +0100"},
		{"once", "Mon 2027-01-04 07:59:59 +0100", true, "Mon 2027-01-04 08:00:00 +0100"},
		{"once", "Mon 2027-01-04 08:00:00 +0100", false, ""},
	} {
		m := works[c.name]
		m.Zone, m.AppliesTo = zone, []config.Ref{{Check: "a"}}
		planned := calendar.New(&config.Config{Maintenance: []config.Maintenance{m}})
		change, in := planned.Maintenance(&config.Check{ID: "a"}, clockAt(t, c.at))
		if got := show(change, zone); in != c.in || got != c.change {
			t.Errorf("%s at %s: %t until %q, want %t until %q", c.name, c.at, in, got, c.in, c.change)
		}
	}
}
