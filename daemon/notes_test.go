package daemon

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/imapvigil/imapvigil/daemon/api"
)

func TestLogAndStatusNameTheFamilyThatIsLeftOut(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	m := &monitor{Options: Options{Log: zap.New(core)}}
	m.logMissingRoute("IPv6")
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

func TestStatusSaysThatTheLogIsNotRead(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	const lost = "143 log lines lost since the start: the reader of the log is too slow, or was gone"
	const wait = "9 log lines are waiting: the reader of the log has read nothing for 1m 30s"
	for name, test := range map[string]struct {
		log  api.Log
		want []string
	}{
		"all is read":       {api.Log{}, nil},
		"a line on its way": {api.Log{Waiting: 1, WaitingS: 9.9}, nil},
		"nobody reads":      {api.Log{Waiting: 9, WaitingS: 90}, []string{wait}},
		"lost, and stuck":   {api.Log{Lost: 143, LastLostAt: ago(time.Minute), Waiting: 9, WaitingS: 90}, []string{lost, wait}},
		"lost, long ago":    {api.Log{Lost: 143, LastLostAt: ago(2 * time.Hour)}, nil},
	} {
		if got := logNotes(test.log, now); !slices.Equal(got, test.want) {
			t.Errorf("%s: status says %q, want %q", name, got, test.want)
		}
	}
}
