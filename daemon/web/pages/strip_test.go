package pages

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/availability"
)

// daysOf makes days that were OK but for some, by their place.
func daysOf(n int, others map[int]availability.Seconds) []day {
	list := make([]day, n)
	for i := range list {
		list[i] = day{time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC), availability.Seconds{OK: 24 * time.Hour}}
		if s, ok := others[i]; ok {
			list[i].Seconds = s
		}
	}
	return list
}

func TestDaysThatLookAlikeAreOneRect(t *testing.T) {
	t.Parallel()
	if n := len(newStrip(daysOf(90, nil), false).Rects); n != 1 {
		t.Errorf("a check that is well is drawn with %d rects", n)
	}
	half := availability.Seconds{OK: 12 * time.Hour, Down: 12 * time.Hour}
	got := newStrip(daysOf(10, map[int]availability.Seconds{3: half, 4: half, 5: half}), false).Rects
	want := []rect{{Class: "f-ok", X: "0%", W: "100%", H: 20}, {Class: "f-down", X: "30%", W: "30%", Y: 10, H: 10}}
	if !slices.Equal(got, want) {
		t.Errorf("three equal days are drawn as\n%v\nnot\n%v", got, want)
	}
}

// Four minutes and twelve hours look different, and four minutes are seen.
func TestBarsAreFilledFromBelow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		s    availability.Seconds
		want bar
	}{
		{"four minutes down", availability.Seconds{OK: 1436 * time.Minute, Down: 4 * time.Minute}, bar{down: 2}},
		{"half a day down", availability.Seconds{OK: 12 * time.Hour, Down: 12 * time.Hour}, bar{down: 20}},
		{"all at once", availability.Seconds{OK: 12 * time.Hour, Down: 6 * time.Hour, Degraded: 3 * time.Hour, Unknown: time.Minute, Maintenance: 3 * time.Hour}, bar{down: 10, degraded: 5, unknown: 2, maintenance: 5}},
		{"a second well", availability.Seconds{OK: time.Second, Down: 24 * time.Hour}, bar{down: 40}},
		{"absent for half of it", availability.Seconds{Absent: 12 * time.Hour, OK: 12 * time.Hour}, bar{}},
		{"absent", availability.Seconds{Absent: 24 * time.Hour}, bar{none: true}},
		{"more than fits", availability.Seconds{Down: 24 * time.Hour, Degraded: 1, Unknown: 1}, bar{down: 40}},
	} {
		if got := newBar(c.s, tallStripHeight); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLabelOfAStripNamesTheBadDays(t *testing.T) {
	t.Parallel()
	bad := map[int]availability.Seconds{}
	for i := range 7 {
		bad[i] = availability.Seconds{Down: 2 * time.Hour, OK: 22 * time.Hour}
	}
	for _, c := range []struct {
		days []day
		want string
	}{
		{daysOf(90, nil), "90 days: never down"},
		{daysOf(30, map[int]availability.Seconds{1: {Down: 4 * time.Minute, OK: time.Hour}}), "30 days: 2026-01-02 down for 4m"},
		{daysOf(7, bad), "7 days: 2026-01-01 down for 2h, 2026-01-02 down for 2h, 2026-01-03 down for 2h, 2026-01-04 down for 2h, 2026-01-05 down for 2h, and 2 more days"},
		{daysOf(1, map[int]availability.Seconds{0: {Unknown: 24 * time.Hour}}), "1 day: no data"},
	} {
		if got := newStrip(c.days, false).Label; got != c.want {
			t.Errorf("label %q, want %q", got, c.want)
		}
	}
}

// The overview and the page of a check say the same percent of its last 90 days.
func TestOverviewAndCheckAgree(t *testing.T) {
	v := &viewer{Options: Options{Daemon: troubledStage(t)}, past: measuredPast()}
	overview := textOfPage(parsePage(t, askViewer(t, v, "/?q=mx2%2Fimaps", nil).body))
	check := textOfPage(parsePage(t, askViewer(t, v, "/c/mx2/imaps", nil).body))
	percent := regexp.MustCompile(`90 days\s+(\d+\.\d+ %)`).FindStringSubmatch(check)
	if percent == nil || percent[1] == "100.00 %" || !strings.Contains(overview, percent[1]) {
		t.Errorf("the page of the check says %q, and the overview\n%s", percent, overview)
	}
}
