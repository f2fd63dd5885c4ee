package moment_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/config/moment"
)

// read is one of the functions of the package.
type read = func(string, time.Time) (moment.Moment, error)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, ok := calendar.Zone(name)
	if !ok {
		t.Fatal(name)
	}
	return z
}

// shown is how results are compared: as people are shown them, with the note.
func shown(m moment.Moment, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.TrimSpace(m.At.Format("2006-01-02 15:04:05 MST") + " " + m.Note)
}

func TestRead(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	monday := time.Date(2026, 11, 30, 9, 30, 0, 0, berlin)
	const winter = " 2026-11-30 09:30 CET"
	for _, test := range []struct {
		read read
		text string
		want string
	}{
		{moment.Until, "2h", "2026-11-30 11:30:00 CET"},
		{moment.Until, "90m", "2026-11-30 11:00:00 CET"},
		{moment.Until, "1h 30m", "2026-11-30 11:00:00 CET"},
		{moment.Until, "+1d", "2026-12-01 09:30:00 CET"},
		{moment.Until, "in 2h", "2026-11-30 11:30:00 CET"},
		{moment.Until, "22:00", "2026-11-30 22:00:00 CET"},
		{moment.Until, "8:00", "2026-12-01 08:00:00 CET 08:00 has passed today, so this is tomorrow."},
		{moment.Until, "09:30", "2026-12-01 09:30:00 CET 09:30 has passed today, so this is tomorrow."},
		{moment.Until, "24:00", "2026-12-01 00:00:00 CET"},
		{moment.Until, "22:00:30", "2026-11-30 22:00:30 CET"},
		{moment.Until, "08:00 UTC", "2026-12-01 09:00:00 CET 08:00 has passed today, so this is tomorrow."},
		{moment.Until, "09:00Z", "2026-11-30 10:00:00 CET"},
		{moment.Until, "22:00 CET", "2026-11-30 22:00:00 CET"},
		{moment.Until, "tomorrow 08:00", "2026-12-01 08:00:00 CET"},
		{moment.Until, "Tomorrow at 08:00", "2026-12-01 08:00:00 CET"},
		{moment.Until, "08:00 tomorrow", "2026-12-01 08:00:00 CET"},
		{moment.Until, "tomorrow", "2026-12-01 00:00:00 CET"},
		{moment.Until, "today 18:00", "2026-11-30 18:00:00 CET"},
		{moment.Until, "monday", "2026-12-07 00:00:00 CET"},
		{moment.Until, "mon 18:00", "2026-11-30 18:00:00 CET"},
		{moment.Until, "mon 08:00", "2026-12-07 08:00:00 CET"},
		{moment.Until, "friday 08:00", "2026-12-04 08:00:00 CET"},
		{moment.Until, "2026-12-24", "2026-12-24 00:00:00 CET"},
		{moment.Until, "2026-12-24 08:00", "2026-12-24 08:00:00 CET"},
		{moment.Until, "2026-12-24T08:00", "2026-12-24 08:00:00 CET"},
		{moment.Until, "2026-12-24T08:00:05", "2026-12-24 08:00:05 CET"},
		{moment.Until, "2026-12-24 08:00 UTC", "2026-12-24 09:00:00 CET"},
		{moment.Until, "2026-12-24 08:00:00Z", "2026-12-24 09:00:00 CET"},
		{moment.Until, "2026-12-24 08:00 +05:30", "2026-12-24 03:30:00 CET"},
		{moment.Until, "2026-12-24T08:00:00Z", "2026-12-24 09:00:00 CET"},
		{moment.Until, "2026-12-24T08:00:00.5-08:00", "2026-12-24 17:00:00 CET"},
		{moment.Until, "2027-07-01 08:00", "2027-07-01 08:00:00 CEST"},

		{moment.Until, "today 08:00", `error: "today 08:00" has passed: it must be in the future`},
		{moment.Until, "2026-11-30T08:30:00Z", `error: "2026-11-30T08:30:00Z" has passed: it must be in the future`},
		{moment.Until, "yesterday", `error: "yesterday" has passed: it must be in the future`},
		{moment.Until, "2h ago", `error: "2h ago" has passed: it must be in the future`},
		{moment.Until, "0s", `error: "0s" has passed: it must be in the future`},
		{moment.Until, "25:00", `error: "25:00" cannot be read as a time: clocks go from 00:00 to 24:00, and 25:00 is no time`},
		{moment.Until, "2026-02-30", `error: "2026-02-30" cannot be read as a time: 2026-02-30 is no date`},
		{moment.Until, "2", `error: "2" cannot be read as a time: a number needs a unit, like "2h" or "2m"; a clock time is written like "22:00"`},
		{moment.Until, "10pm", `error: "10pm" cannot be read as a time: clock times go from 00:00 to 24:00, like "22:00"`},
		{moment.Until, "2026-12-24 08:00 PST", `error: "2026-12-24 08:00 PST" cannot be read as a time: the zone here is CET at that time, not PST; other zones are written as UTC or as an offset, like "08:00 +02:00"`},

		{moment.Since, "24h", "2026-11-29 09:30:00 CET"},
		{moment.Since, "24h ago", "2026-11-29 09:30:00 CET"},
		{moment.Since, "08:00", "2026-11-30 08:00:00 CET"},
		{moment.Since, "22:00", "2026-11-29 22:00:00 CET 22:00 is still to come today, so this is yesterday."},
		{moment.Since, "now", "2026-11-30 09:30:00 CET"},
		{moment.Since, "today", "2026-11-30 00:00:00 CET"},
		{moment.Since, "yesterday", "2026-11-29 00:00:00 CET"},
		{moment.Since, "yesterday 22:00", "2026-11-29 22:00:00 CET"},
		{moment.Since, "2026-11-29", "2026-11-29 00:00:00 CET"},
		{moment.Since, "monday", "2026-11-30 00:00:00 CET"},
		{moment.Since, "monday 10:00", "2026-11-23 10:00:00 CET"},
		{moment.Since, "friday", "2026-11-27 00:00:00 CET"},
		{moment.Since, "tomorrow", `error: "tomorrow" is still to come: it must be in the past`},
		{moment.Since, "in 2h", `error: "in 2h" is still to come: it must be in the past`},

		{moment.At, "now", "2026-11-30 09:30:00 CET"},
		{moment.At, "03:00", "2026-12-01 03:00:00 CET 03:00 has passed today, so this is tomorrow."},
		{moment.At, "2h", "2026-11-30 11:30:00 CET"},
		{moment.At, "2h ago", "2026-11-30 07:30:00 CET"},
		{moment.At, "-2h", "2026-11-30 07:30:00 CET"},
		{moment.At, "yesterday 22:00", "2026-11-29 22:00:00 CET"},
		{moment.At, "sunday 03:00", "2026-12-06 03:00:00 CET"},
	} {
		if got := shown(test.read(test.text, monday)); got != test.want {
			t.Errorf("%q%s:\n got %s\nwant %s", test.text, winter, got, test.want)
		}
	}
}

// TestReadOfNoTime says how times are written, whatever stands there.
func TestReadOfNoTime(t *testing.T) {
	for _, text := range []string{"", "  ", "soon", "08:00 09:00", "today tomorrow", "utc", "08:00 utc utc", "2h 08:00", "T08:00", "at", "\x1b[31m", "08:00 +25:00"} {
		for _, f := range []read{moment.Until, moment.Since, moment.At} {
			if m, err := f(text, time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)); err == nil {
				t.Errorf("%q is read as %v", text, m)
			} else if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%q is repeated as it is: %v", text, err)
			}
		}
	}
}

// TestReadWhenClocksChange is about the hours that are skipped, and those that come twice.
func TestReadWhenClocksChange(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	beforeSpring := time.Date(2027, 3, 28, 0, 30, 0, 0, time.UTC) // 01:30 CET
	firstPass := time.Date(2026, 10, 25, 0, 15, 0, 0, time.UTC)   // 02:15 CEST
	betweenBoth := time.Date(2026, 10, 25, 0, 45, 0, 0, time.UTC) // 02:45 CEST
	secondPass := time.Date(2026, 10, 25, 1, 15, 0, 0, time.UTC)  // 02:15 CET
	havanaNight := time.Date(2027, 3, 14, 3, 0, 0, 0, time.UTC)   // 22:00 CST, and midnight is skipped
	for _, test := range []struct {
		read read
		text string
		now  time.Time
		want string
	}{
		{moment.Until, "02:30", beforeSpring.In(berlin), "2027-03-28 03:00:00 CEST The clocks skip 02:30 on that day, so this is 03:00 CEST."},
		{moment.Until, "2027-03-28 02:30", beforeSpring.In(berlin), "2027-03-28 03:00:00 CEST The clocks skip 02:30 on that day, so this is 03:00 CEST."},
		{moment.Until, "2h", beforeSpring.In(berlin), "2027-03-28 04:30:00 CEST"},
		{moment.Until, "02:30", firstPass.In(berlin), "2026-10-25 02:30:00 CEST"},
		{moment.Until, "02:30", betweenBoth.In(berlin), "2026-10-25 02:30:00 CET"},
		{moment.Until, "02:30 CET", firstPass.In(berlin), "2026-10-25 02:30:00 CET"},
		{moment.Until, "02:30 CEST", firstPass.In(berlin), "2026-10-25 02:30:00 CEST"},
		{moment.Since, "02:00", secondPass.In(berlin), "2026-10-25 02:00:00 CEST"},
		{moment.Since, "02:30", secondPass.In(berlin), "2026-10-25 02:30:00 CEST"},
		{moment.Until, "tomorrow", havanaNight.In(zone(t, "America/Havana")), "2027-03-14 01:00:00 CDT The clocks skip 00:00 on that day, so this is 01:00 CDT."},
	} {
		if got := shown(test.read(test.text, test.now)); got != test.want {
			t.Errorf("%q at %v:\n got %s\nwant %s", test.text, test.now, got, test.want)
		}
	}
}

// TestReadsWhatIsShown has every moment come back from how it is shown, in every zone, and
// a clock time be the nearest on the side that is asked for.
func TestReadsWhatIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, ok := calendar.Zone(rapid.SampledFrom(calendar.ZoneNames()).Draw(t, "zone"))
		if !ok {
			t.Fatal("no zone")
		}
		at := time.Unix(rapid.Int64Range(28_000_000, 32_000_000).Draw(t, "minute")*60, 0).In(z)
		ago := time.Duration(rapid.Int64Range(1, 1_000_000).Draw(t, "seconds")) * time.Second
		for _, layout := range []string{"2006-01-02 15:04 MST", time.RFC3339, "2006-01-02 15:04Z07:00"} {
			if m, err := moment.Until(at.Format(layout), at.Add(-ago)); err != nil || !m.At.Equal(at) {
				t.Fatalf("Until(%q) = %v, %v", at.Format(layout), m, err)
			}
			if m, err := moment.Since(at.Format(layout), at.Add(ago)); err != nil || !m.At.Equal(at) {
				t.Fatalf("Since(%q) = %v, %v", at.Format(layout), m, err)
			}
		}
		clock, now := at.Format("15:04"), at.Add(ago)
		next, err1 := moment.Until(clock, now)
		last, err2 := moment.Since(clock, now)
		// A day has 25 hours at most where clocks are set back by one; some zones have skipped a whole day.
		const most = 50 * time.Hour
		if err1 != nil || err2 != nil || !next.At.After(now) || next.At.Sub(now) > most || last.At.After(now) || now.Sub(last.At) > most {
			t.Fatalf("%s of %v: %v, %v, %v, %v", clock, now, next, err1, last, err2)
		}
		if strings.Contains(next.Note, "skip") {
			return
		}
		if got := next.At.Format("15:04"); got != clock {
			t.Fatalf("Until(%s) shows %s", clock, got)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"2h", "in 90m", "1d ago", "22:00", "24:00 tomorrow", "tomorrow 08:00 CET", "2026-11-30T08:00", "2026-11-30 08:00+01:00",
		"mon 02:30", "2026-03-29 02:30", "now", "9999-12-31 24:00", "0001-01-01", "+292y", "1e9d",
	} {
		f.Add(seed, int64(1.8e9), uint16(100))
	}
	names := calendar.ZoneNames()
	f.Fuzz(func(t *testing.T, text string, unix int64, place uint16) {
		z, _ := calendar.Zone(names[int(place)%len(names)])
		now := time.Unix(unix%(1<<33), 0).In(z)
		until, err := moment.Until(text, now)
		if err == nil && (!until.At.After(now) || until.At.Location() != z) {
			t.Errorf("Until(%q) = %v at %v", text, until, now)
		}
		since, err := moment.Since(text, now)
		if err == nil && (since.At.After(now) || since.At.Location() != z) {
			t.Errorf("Since(%q) = %v at %v", text, since, now)
		}
		if _, err := moment.At(text, now); err != nil && len(err.Error()) > 800+6*len(text) {
			t.Errorf("At(%q): %v", text, err)
		}
	})
}
