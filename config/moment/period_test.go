package moment_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/moment"
)

// TestPeriods has a Monday in a zone whose clocks were set back in October and put forward in
// March.
func TestPeriods(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 10, 30, 0, 0, zone(t, "Europe/Berlin"))
	for _, c := range []struct{ text, from, to, name, before string }{
		{"2026-10", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00", "2026-10", "2026-09-01T00:00:00+02:00"},
		{"last-month", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00", "2026-10", "2026-09-01T00:00:00+02:00"},
		{"this month", "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00", "2026-11", "2026-10-01T00:00:00+02:00"},
		{"2026-Q1", "2026-01-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-Q1", "2025-10-01T00:00:00+02:00"},
		{"last-quarter", "2026-07-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00", "2026-Q3", "2026-04-01T00:00:00+02:00"},
		{"2026", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00", "2026", "2025-01-01T00:00:00+01:00"},
		{"last-year", "2025-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00", "2025", "2024-01-01T00:00:00+01:00"},
		{"this-week", "2026-11-30T00:00:00+01:00", "2026-12-07T00:00:00+01:00", "2026-11-30 to 2026-12-06", "2026-11-23T00:00:00+01:00"},
		{"last-week", "2026-11-23T00:00:00+01:00", "2026-11-30T00:00:00+01:00", "2026-11-23 to 2026-11-29", "2026-11-16T00:00:00+01:00"},
		{"2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-03-29", "2026-03-28T00:00:00+01:00"},
		{"yesterday", "2026-11-29T00:00:00+01:00", "2026-11-30T00:00:00+01:00", "2026-11-29", "2026-11-28T00:00:00+01:00"},
		{"2026-10-01..2026-10-14", "2026-10-01T00:00:00+02:00", "2026-10-15T00:00:00+02:00", "2026-10-01 to 2026-10-14", "2026-09-17T00:00:00+02:00"},
		{"2026-10-05..2026-10-05", "2026-10-05T00:00:00+02:00", "2026-10-06T00:00:00+02:00", "2026-10-05", "2026-10-04T00:00:00+02:00"},
		{"2026-09..2026-10", "2026-09-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00", "2026-09 to 2026-10", "2026-07-02T00:00:00+02:00"},
		{"2026-10-01T00:00:00Z..2026-10-02T00:00:00Z", "2026-10-01T02:00:00+02:00", "2026-10-02T02:00:00+02:00", "2026-10-01 02:00 to 2026-10-02 02:00", "2026-09-30T02:00:00+02:00"},
		{"2026-11-29 .. now", "2026-11-29T00:00:00+01:00", "2026-11-30T10:30:00+01:00", "2026-11-29 00:00 to 2026-11-30 10:30", "2026-11-27T13:30:00+01:00"},
		{"7d", "2026-11-23T10:30:00+01:00", "2026-11-30T10:30:00+01:00", "the last 7d", "2026-11-16T10:30:00+01:00"},
	} {
		p, err := moment.ReadPeriod(c.text, now)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		before, until := p.Before()
		if p.From.Format(time.RFC3339) != c.from || p.To.Format(time.RFC3339) != c.to || p.Name != c.name ||
			before.Format(time.RFC3339) != c.before || !until.Equal(p.From) {
			t.Errorf("%s: %s .. %s (%s), before it %s", c.text, p.From.Format(time.RFC3339), p.To.Format(time.RFC3339), p.Name, before.Format(time.RFC3339))
		}
	}
}

func TestNoPeriods(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 10, 30, 0, 0, time.UTC)
	for _, c := range []struct{ text, want string }{
		{"2026-13", `"2026-13" cannot be read as a period: there is no month 13`},
		{"2026-02-30", `"2026-02-30" cannot be read as a period: 2026-02-30 is no date`},
		{"2026-12", `"2026-12" has not begun yet`},
		{"2026-10-14..2026-10-01", `"2026-10-14..2026-10-01" is no period: it ends before it begins`},
		{"0s", `"0s" is no period: it ends before it begins`},
		{"1999..2026", `"1999..2026" is longer than 20 years`},
		{"october", `"october" cannot be read as a period: write a month ("2026-10"), a quarter ("2026-Q4"), a year ("2026"), a day ("2026-10-05", "yesterday"), "last-month" or "this-month" (or week, quarter, year), a time until now ("7d", "30d"), or FROM..TO ("2026-10-01..2026-10-14")`},
	} {
		if p, err := moment.ReadPeriod(c.text, now); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, %v", c.text, p, err)
		}
	}
}

func FuzzReadPeriod(f *testing.F) {
	for _, seed := range []string{
		"2026-10", "last-month", "this week", "2026-q4", "2026", "0000", "2026-10-01..2026-10-14", "2026-10..now", "7d", "30d", "yesterday..today",
		"..", "2026-10-01 08:00..2026-10-01T09:00:00+02:00", "last-month..", "9999-12-31..9999-12-31", "0001-01-01..now", "100000d",
	} {
		f.Add(seed, int64(1.8e9), uint16(100))
	}
	names := calendar.ZoneNames()
	f.Fuzz(func(t *testing.T, text string, unix int64, place uint16) {
		z, _ := calendar.Zone(names[int(place)%len(names)])
		now := time.Unix(unix%(1<<33), 0).In(z)
		p, err := moment.ReadPeriod(text, now)
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("ReadPeriod(%q): %v", text, err)
			}
			return
		}
		if !p.From.Before(p.To) || p.From.After(now) || p.From.Location() != z || p.To.Location() != z || p.Name == "" {
			t.Errorf("ReadPeriod(%q) at %v = %v .. %v (%s)", text, now, p.From, p.To, p.Name)
		}
		if before, until := p.Before(); before.After(until) || !until.Equal(p.From) {
			t.Errorf("ReadPeriod(%q) at %v: before it is %v .. %v", text, now, before, until)
		}
	})
}
