package daemon

import (
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestLogAndStatusNameTheFamilyThatIsLeftOut(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	m := &monitor{Options: Options{Log: zap.New(core)}}
	m.leavesOut("IPv6")
	notes := routeNotes([]string{"IPv6"})
	want := []string{"this machine has no route for IPv6: addresses of that family are not probed"}
	if !slices.Equal(notes, want) {
		t.Errorf("status says %q", notes)
	}
	if entries := logged.All(); len(entries) != 1 || entries[0].Message != want[0] {
		t.Errorf("the log says %v", entries)
	}
	if notes := routeNotes(nil); notes != nil {
		t.Errorf("status says %q of nothing", notes)
	}
}
