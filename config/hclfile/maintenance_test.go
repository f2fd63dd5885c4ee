package hclfile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// loadMaintenance loads a configuration with one maintenance.
func loadMaintenance(t *testing.T, attributes string) (config.Maintenance, string) {
	t.Helper()
	text := fmt.Sprintf("imap_check \"mx\" { hostname = \"mx.example.org\" }\nmaintenance \"m\" {\n  applies_to = [imap_check.mx]\n%s\n}\n", attributes)
	cfg, diags := hclfile.Load(source.OfText("m.hcl", []byte(text)))
	for _, d := range diags {
		if d.Gravity == config.Error {
			return config.Maintenance{}, d.Detail
		}
	}
	if len(cfg.Maintenance) != 1 {
		t.Fatalf("%d maintenances", len(cfg.Maintenance))
	}
	return cfg.Maintenance[0], ""
}

// TestRecurrence goes through what RFC 5545 section 3.3.10 says MUST and MUST NOT
// be. What is wrong is the empty text where nothing is.
func TestRecurrence(t *testing.T) {
	t.Parallel()
	cases := []struct{ rule, wrong string }{
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", ""},
		{"RRULE:FREQ=WEEKLY;BYDAY=TU", ""},
		{"freq=weekly;byday=tu", ""},
		{"FREQ=MONTHLY;BYDAY=+1TU,-1FR;WKST=SU", ""},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ""},
		{"FREQ=DAILY;UNTIL=20261231T230000Z", ""},
		{"FREQ=DAILY;COUNT=3", ""},
		{"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", ""},
		{"FREQ=DAILY;BYHOUR=2,14", ""},
		{"FREQ=DAILY;BYMONTHDAY=1", ""},

		{"INTERVAL=2;BYDAY=MO", "This is no recurrence rule of RFC 5545"},
		{"FREQ=WEEKLY;BYDAY=XX", "This is no recurrence rule of RFC 5545"},
		{"FREQ=WEEKLY;", "is made of NAME=VALUE"},
		{"FREQ=WEEKLY;BYDAY", "is made of NAME=VALUE"},
		{"FREQ=DAILY;BYEASTER=1", "is made of FREQ, UNTIL, "},
		{"FREQ=DAILY;FREQ=WEEKLY", "FREQ is written twice"},
		{"FREQ=DAILY;COUNT=0", "COUNT is a whole number from 1."},
		{"FREQ=DAILY;INTERVAL=0", "INTERVAL is a whole number from 1."},
		{"FREQ=DAILY;COUNT=3;UNTIL=20261231T230000Z", "exclude each other"},
		{"FREQ=DAILY;UNTIL=20261231", "UNTIL is a time in UTC"},
		{"FREQ=DAILY;UNTIL=20261231T230000", "UNTIL is a time in UTC"},
		{"FREQ=WEEKLY;BYDAY=2TU", "BYDAY has numbers"},
		{"FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "BYDAY has numbers"},
		{"FREQ=DAILY;BYWEEKNO=3", "BYWEEKNO goes with FREQ=YEARLY, not with FREQ=DAILY."},
		{"FREQ=MONTHLY;BYYEARDAY=3", "BYYEARDAY goes with FREQ=YEARLY"},
		{"FREQ=WEEKLY;BYMONTHDAY=3", "BYMONTHDAY goes with FREQ=DAILY, MONTHLY or YEARLY"},
		{"FREQ=WEEKLY;BYSETPOS=1", "BYSETPOS chooses among"},
		{"FREQ=HOURLY", "FREQ is YEARLY, MONTHLY, WEEKLY or DAILY"},
		{"FREQ=DAILY;BYHOUR=24", "out of its bounds"},
		{"DTSTART=20260101T000000Z;FREQ=DAILY", "is said by start"},
		{"FREQ=WEEKLY;UNTIL=20200101T000000Z", "No day after the start"},
	}
	for _, c := range cases {
		m, wrong := loadMaintenance(t, fmt.Sprintf("timezone = \"UTC\"\nstart = \"2026-01-06T02:00:00\"\nduration = \"1h\"\nrrule = %q", c.rule))
		if !strings.Contains(wrong, c.wrong) || (c.wrong == "") != (wrong == "") {
			t.Errorf("%s: %q, want %q", c.rule, wrong, c.wrong)
		}
		if wrong == "" && !strings.HasPrefix(m.RRule, "FREQ=") {
			t.Errorf("%s is carried as %q", c.rule, m.RRule)
		}
	}
}

// TestClocksThatChange has work begin when clocks show a time twice, or never
// (RFC 5545 section 3.3.5): the first of two, and as if they had not been put
// forward yet.
func TestClocksThatChange(t *testing.T) {
	t.Parallel()
	cases := []struct{ zone, start, end, utc, lasts string }{
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T04:00:00", "2026-03-29T01:30:00Z", "30m0s"},
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T04:00:00", "2026-10-25T00:30:00Z", "2h30m0s"},
		{"America/New_York", "2026-03-08T02:30:00", "2026-03-08T04:00:00", "2026-03-08T07:30:00Z", "30m0s"},
		{"America/New_York", "2026-11-01T01:30:00", "2026-11-01T03:00:00", "2026-11-01T05:30:00Z", "2h30m0s"},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-05T03:00:00", "2026-04-04T14:45:00Z", "1h45m0s"},
		{"Asia/Kolkata", "2026-04-05T01:45:00", "2026-04-05T03:00:00", "2026-04-04T20:15:00Z", "1h15m0s"},
		{"UTC", "2026-03-29T02:30:00", "2026-03-29T03:30:00", "2026-03-29T02:30:00Z", "1h0m0s"},
	}
	for _, c := range cases {
		m, wrong := loadMaintenance(t, fmt.Sprintf("timezone = %q\nstart = %q\nend = %q", c.zone, c.start, c.end))
		if wrong != "" {
			t.Errorf("%s in %s: %s", c.start, c.zone, wrong)
			continue
		}
		if got := m.Start.UTC().Format(time.RFC3339); got != c.utc || m.Duration.String() != c.lasts {
			t.Errorf("%s in %s begins at %s and lasts %s, want %s and %s", c.start, c.zone, got, m.Duration, c.utc, c.lasts)
		}
		if m.Start.Location().String() != c.zone {
			t.Errorf("%s in %s is in %s", c.start, c.zone, m.Start.Location())
		}
	}
}
