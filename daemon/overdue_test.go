package daemon

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

func TestWhatIsOverdue(t *testing.T) {
	t.Parallel()
	type waits map[config.CheckID]time.Duration // of checks with an interval of a minute
	const look = troubleEvery
	hour := waits{"a": time.Hour}
	for _, test := range []struct {
		name  string
		looks []time.Duration // since the one before
		waits []waits         // at each
		want  []string        // the checks that are told of, at each
	}{
		{
			name:  "a check that is late, and later",
			looks: []time.Duration{look, look, look},
			waits: []waits{{"a": 119 * time.Second}, {"a": 134 * time.Second}, {"a": 149 * time.Second}},
			want:  []string{"", "", "a"},
		},
		{
			name:  "two intervals are not too much",
			looks: []time.Duration{look, look},
			waits: []waits{{"a": 2 * time.Minute}, {"a": 2 * time.Minute}},
			want:  []string{"", ""},
		},
		{
			name:  "at the last moment",
			looks: []time.Duration{look, look},
			waits: []waits{{"a": 130 * time.Second}, {}},
			want:  []string{"", ""},
		},
		{
			name:  "the latest first",
			looks: []time.Duration{look, look},
			waits: []waits{{"a": 3 * time.Minute, "b": 5 * time.Minute}, {"a": 4 * time.Minute, "b": 6 * time.Minute}},
			want:  []string{"", "b a"},
		},
		{
			name:  "over when none is late by an interval",
			looks: []time.Duration{look, look, look, look, look},
			waits: []waits{
				{"a": 3 * time.Minute},
				{"a": 3 * time.Minute, "b": 61 * time.Second},
				{"b": 76 * time.Second},
				{"c": time.Minute},
				{"c": 75 * time.Second},
			},
			want: []string{"", "a", "b", "", ""},
		},
		{
			name:  "the process was stopped for an hour",
			looks: []time.Duration{look, time.Hour, look, look},
			waits: []waits{{}, {"a": time.Hour}, {"a": time.Hour + look}, {"a": time.Hour + 2*look}},
			want:  []string{"", "", "", ""},
		},
		{
			name:  "from then on they are waited for anew",
			looks: []time.Duration{look, time.Hour, 2 * look, 2 * look, 2 * look, 2 * look, 2 * look, look},
			waits: []waits{{}, hour, hour, hour, hour, hour, hour, hour},
			want:  []string{"", "", "", "", "", "", "", "a"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := clock.Undisturbed()
			var o overdue
			for i, pause := range test.looks {
				now.At = now.At.Add(pause)
				if pause > 2*look {
					now.Late += pause - look // the look should have come before
				}
				var list []probe.Wait
				for id, late := range test.waits[i] {
					list = append(list, probe.Wait{Check: id, Interval: time.Minute, For: late})
				}
				var got []string
				for _, w := range o.findOverdue(now, list) {
					got = append(got, string(w.Check))
				}
				if strings.Join(got, " ") != test.want[i] {
					t.Errorf("look %d tells of %v, want %q", i, got, test.want[i])
				}
			}
		})
	}
}

func TestTroublesOfTheProbes(t *testing.T) {
	t.Parallel()
	late := []probe.Wait{{Check: "mx1/imaps", For: 4 * time.Minute}, {Check: "b"}, {Check: "c"}}
	for n, want := range []string{
		"",
		"Check mx1/imaps should have been probed 4m ago: this machine",
		"ago, and one more check is overdue by more than two intervals: this machine",
		"ago, and 2 more checks are overdue by more than two intervals: this machine",
	} {
		f := probesFinding(late[:n], 64)
		if got := f != nil; got != (n > 0) || got && (!strings.Contains(f.Hint, want) || !strings.Contains(f.Hint, "(64)")) {
			t.Errorf("of %d: %+v", n, f)
		}
	}
}

// A check that cannot be probed, because a server takes the only slot, is an
// incident of the monitor; the probe ends it.
func TestACheckThatIsNotProbedIsAnIncident(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, _ := living(t)
		m.Log = zap.NewNop()
		hanging := make(chan struct{})
		m.loop = &probe.Loop{
			Limit: 1, Lag: m.vitals.noteProbeBegan,
			Probe: func(ctx context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
				if id == "hangs" {
					select {
					case <-hanging:
					case <-ctx.Done():
					}
				}
				return verdict.Probe{Check: id}
			},
			Report: func(context.Context, *config.Probe, verdict.Probe) incident.Pace { return incident.Pace{} },
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{}, 3)
		for _, id := range []config.CheckID{"hangs", "waits"} {
			go func() {
				m.loop.Run(ctx, id, config.Probe{Interval: time.Minute})
				ended <- struct{}{}
			}()
		}
		go func() {
			_ = m.watchTroubles(ctx)
			ended <- struct{}{}
		}()
		expect := func(after time.Duration, overdue int, want ...string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			s, err := m.deciding.own.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, in := range api.NewIncidents(s).Incidents {
				got = append(got, strings.Join([]string{string(in.Check), string(in.Condition), string(in.State), in.ClosedAs}, " "))
			}
			if !slices.Equal(got, want) {
				t.Errorf("after %v more: %v, want %v", after, got, want)
			}
			if p := m.punctuality(time.Now(), m.loop.Waiting()); p.Overdue != overdue {
				t.Errorf("after %v more: %+v, want %d overdue", after, p, overdue)
			}
		}
		expect(2*time.Minute, 0)
		expect(3*time.Minute, 2, "imapvigil:probes monitor open ")
		expect(time.Hour, 2, "imapvigil:probes monitor open ")
		close(hanging)
		expect(20*time.Second, 0, "imapvigil:probes monitor closed recovered")
		expect(time.Hour, 0, "imapvigil:probes monitor closed recovered")
		stop()
		for range 3 {
			<-ended
		}
	})
}
