package daemon

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe"
)

// The longest lag is remembered for one minute at least and two at most.
func TestLagIsRememberedForAMinute(t *testing.T) {
	t.Parallel()
	var l lag
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for _, step := range []struct {
		at   int
		add  time.Duration
		want time.Duration
	}{
		{0, time.Second, time.Second},
		{59, 3 * time.Second, 3 * time.Second},
		{60, 2 * time.Second, 3 * time.Second},
		{119, 0, 3 * time.Second},
		{120, 0, 2 * time.Second},
		{180, 0, 0},
		{181, 5 * time.Second, 5 * time.Second},
		{1000, 0, 0},
	} {
		l.noteDelay(step.add, at(step.at))
		if got := l.longestDelay(at(step.at)); got != step.want {
			t.Errorf("after %d s: %v, want %v", step.at, got, step.want)
		}
	}
}

// What has not begun yet counts as well: a scheduler that stands still has no
// probes that begin late.
func TestPunctuality(t *testing.T) {
	t.Parallel()
	m := &monitor{}
	m.vitals = &vitals{m: m}
	now := time.Now()
	m.vitals.lag.noteDelay(1500*time.Microsecond, now)
	for _, test := range []struct {
		name    string
		waiting []probe.Wait
		want    api.Probes
		notable bool
	}{
		{"nothing waits", nil, api.Probes{LagS: 0.002}, false},
		{"a timer that fires now", []probe.Wait{{Interval: time.Minute, For: 30 * time.Millisecond}}, api.Probes{LagS: 0.03}, false},
		{"some wait", []probe.Wait{
			{Interval: time.Minute, For: 2 * time.Second}, {Interval: time.Minute, For: 4 * time.Second},
		}, api.Probes{LagS: 4, Waiting: 2}, false},
		{"too long", []probe.Wait{
			{Interval: time.Minute, For: 2 * time.Minute}, {Interval: time.Minute, For: 121 * time.Second},
		}, api.Probes{LagS: 121, Waiting: 2, Overdue: 1}, true},
		{"a short interval", []probe.Wait{{Interval: time.Second, For: 3 * time.Second}}, api.Probes{LagS: 3, Waiting: 1}, false},
		{"too long for it, too", []probe.Wait{{Interval: time.Second, For: 31 * time.Second}}, api.Probes{LagS: 31, Waiting: 1, Overdue: 1}, true},
	} {
		got := m.punctuality(now, test.waiting)
		if d := cmp.Diff(test.want, got); d != "" || got.Late() != test.notable {
			t.Errorf("%s: notable %v\n%s", test.name, got.Late(), d)
		}
	}
}

func TestNotableLagIsLoggedNowAndThen(t *testing.T) {
	t.Parallel()
	core, logged := observer.New(zap.InfoLevel)
	m := &monitor{Options: Options{Log: zap.New(core)}, loop: &probe.Loop{Limit: 64}}
	var said time.Time
	start := time.Now()
	for i := range 4 * 60 { // an hour of looks
		p := api.Probes{LagS: 4.9}
		if i >= 40 {
			p = api.Probes{LagS: 12.5, Waiting: 3}
		}
		said = m.logLag(start.Add(time.Duration(i)*troubleEvery), said, p)
	}
	if n := logged.Len(); n != 5 {
		t.Fatalf("logged %d times in 50 minutes", n)
	}
	want := map[string]any{"lag_s": 12.5, "waiting": int64(3), "overdue": int64(0), "max_concurrent_probes": int64(64)}
	if d := cmp.Diff(want, logged.All()[0].ContextMap()); d != "" || logged.All()[0].Level != zap.WarnLevel {
		t.Error(d)
	}
}
