package api

import (
	"testing"
	"time"
)

// TestZoneName never says "Local" where the machine has a name for it.
func TestZoneName(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got := zoneName(berlin); got != "Europe/Berlin" {
		t.Error(got)
	}
	// time.Local is read once, when the process begins, and TZ may be another one by now.
	t.Setenv("TZ", "Pacific/Chatham")
	got := zoneName(time.Local)
	known, err := time.LoadLocation(got)
	if got == "Local" || err != nil || !sameClocks(known, time.Local) {
		t.Errorf("%s is not the zone of the machine: %v", got, err)
	}
}
