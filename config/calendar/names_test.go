package calendar_test

import (
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config/calendar"
)

func TestZoneNames(t *testing.T) {
	names := calendar.ZoneNames()
	if !slices.IsSorted(names) || len(names) < 500 {
		t.Errorf("%d names, sorted: %v", len(names), slices.IsSorted(names))
	}
	for _, name := range names {
		if _, ok := calendar.Zone(name); !ok {
			t.Errorf("%s is no zone to Go", name)
		}
	}
}

func TestZone(t *testing.T) {
	for name, want := range map[string]bool{"Europe/Berlin": true, "UTC": true, "Local": false, "": false, "Europe/Berln": false, "../etc/passwd": false} {
		if _, ok := calendar.Zone(name); ok != want {
			t.Errorf("Zone(%q) is known: %v", name, ok)
		}
	}
}

func TestZonesOfPlace(t *testing.T) {
	for place, want := range map[string][]string{
		"berlin": {"Europe/Berlin"}, "New York": {"America/New_York"}, "Nowhere": nil, "": nil,
		"Istanbul": {"Asia/Istanbul", "Europe/Istanbul"},
	} {
		if got := calendar.ZonesOfPlace(place); !slices.Equal(got, want) {
			t.Errorf("ZonesOfPlace(%q) = %q, want %q", place, got, want)
		}
	}
}
