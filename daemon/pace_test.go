package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/reconcile"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A timetable is when each check was probed, by the loop and the set that the
// daemon has.
type timetable struct {
	mu   sync.Mutex
	at   map[config.CheckID][]time.Time
	set  *reconcile.Set[config.CheckID, *config.Probe]
	want map[config.CheckID]*config.Probe
}

func newTimetable(checks int) *timetable {
	table := &timetable{at: map[config.CheckID][]time.Time{}, want: map[config.CheckID]*config.Probe{}}
	loop := &probe.Loop{Probe: table.probe, Report: func(context.Context, *config.Probe, verdict.Probe) incident.Pace { return incident.Pace{} }}
	table.set = reconcile.NewFunc(sameProbe, loop.Runner())
	for i := range checks {
		table.want[config.CheckID(fmt.Sprint("mx", i))] = &config.Probe{Interval: time.Duration(i%5+1) * time.Minute}
	}
	table.set.Apply(table.want)
	return table
}

func (table *timetable) probe(_ context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
	table.mu.Lock()
	table.at[id] = append(table.at[id], time.Now())
	table.mu.Unlock()
	time.Sleep(3 * time.Second)
	return verdict.Probe{Check: id}
}

// reload applies what f makes of the checks.
func (table *timetable) reload(f func(map[config.CheckID]*config.Probe)) reconcile.Diff[config.CheckID] {
	table.want = maps.Clone(table.want)
	f(table.want)
	return table.set.Apply(table.want)
}

// last is when a check was probed last.
func (table *timetable) last(id config.CheckID) time.Time {
	synctest.Wait()
	table.mu.Lock()
	defer table.mu.Unlock()
	if n := len(table.at[id]); n > 0 {
		return table.at[id][n-1]
	}
	return time.Time{}
}

// However often others are changed, added and removed: a check that was left
// alone is probed at the very times at which it would have been anyway.
func TestReloadsDoNotShiftUnchangedChecks(t *testing.T) {
	t.Parallel()
	const checks, touched = 40, 10 // mx0 to mx9 do not stay as they are
	var anyway, reloaded map[config.CheckID][]time.Time
	synctest.Test(t, func(*testing.T) {
		table := newTimetable(checks)
		time.Sleep(3 * time.Hour)
		table.set.Close()
		anyway = table.at
	})
	synctest.Test(t, func(t *testing.T) {
		table := newTimetable(checks)
		for n := range 180 {
			time.Sleep(time.Minute)
			id := config.CheckID(fmt.Sprint("mx", n%touched))
			diff := table.reload(func(want map[config.CheckID]*config.Probe) {
				if _, ok := want[id]; ok && n%3 == 0 {
					delete(want, id)
					return
				}
				want[id] = &config.Probe{Interval: time.Duration(n+2) * time.Minute}
			})
			if diff.Unchanged < checks-touched {
				t.Errorf("reload %d left %d as they were", n, diff.Unchanged)
			}
		}
		table.set.Close()
		reloaded = table.at
	})
	for i := range touched {
		delete(anyway, config.CheckID(fmt.Sprint("mx", i)))
		delete(reloaded, config.CheckID(fmt.Sprint("mx", i)))
	}
	if d := cmp.Diff(anyway, reloaded); d != "" || len(anyway) != checks-touched {
		t.Errorf("without reloads and with them:\n%s", d)
	}
}

// A changed check is probed at once, a new one within its interval, and within 10
// seconds; one that comes back after it was removed has changed, too.
func TestReloadsProbeWhatTheyChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := newTimetable(20)
		defer table.set.Close()
		time.Sleep(time.Hour + 17*time.Second)
		for _, test := range []struct {
			name   string
			id     config.CheckID
			check  config.Probe
			within time.Duration
		}{
			{"another port", "mx1", config.Probe{Interval: 2 * time.Minute, Port: 143}, 0},
			{"another interval", "mx2", config.Probe{Interval: time.Hour}, 0},
			{"changed while it is being probed", "mx2", config.Probe{Interval: 2 * time.Hour}, 3 * time.Second},
			{"new", "imap1", config.Probe{Interval: time.Hour}, 10 * time.Second},
			{"new, with a short interval", "imap2", config.Probe{Interval: 2 * time.Second}, 2 * time.Second},
		} {
			began := time.Now()
			table.reload(func(want map[config.CheckID]*config.Probe) { want[test.id] = &test.check })
			time.Sleep(test.within)
			if last := table.last(test.id); last.Before(began) {
				t.Errorf("%s: not probed within %v", test.name, test.within)
			}
		}
		table.reload(func(want map[config.CheckID]*config.Probe) { delete(want, "mx4") })
		time.Sleep(time.Minute)
		back := time.Now()
		table.reload(func(want map[config.CheckID]*config.Probe) { want["mx4"] = &config.Probe{Interval: time.Hour} })
		if last := table.last("mx4"); !last.Equal(back) {
			t.Errorf("back at %v, probed at %v", back, last)
		}
	})
}

// The turns of many checks are spread over their interval, and no check loses
// one, or drifts, in a day.
func TestTurnsAreSpreadAndKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const checks, interval, day = 60, 10 * time.Minute, 24 * time.Hour
		table := newTimetable(0)
		table.reload(func(want map[config.CheckID]*config.Probe) {
			for i := range checks {
				want[config.CheckID(fmt.Sprint("mx", i))] = &config.Probe{Interval: interval}
			}
		})
		time.Sleep(day)
		table.set.Close()
		var phases []time.Duration
		for id, times := range table.at {
			for i, at := range times[2:] {
				if pause := at.Sub(times[i+1]); pause != interval {
					t.Errorf("%s was probed %v after it was", id, pause)
				}
			}
			if n := len(times); n < int(day/interval) || n > int(day/interval)+1 { // and the first, before its turns
				t.Errorf("%s was probed %d times", id, n)
			}
			phases = append(phases, time.Duration(times[1].UnixNano())%interval)
		}
		slices.Sort(phases)
		for i, phase := range phases[1:] {
			if gap := phase - phases[i]; gap > interval/6 {
				t.Errorf("nothing happens for %v of %v", gap, interval)
			}
		}
	})
}
