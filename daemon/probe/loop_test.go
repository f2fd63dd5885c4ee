package probe

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A diary is a Loop whose probes take a while and are written down.
type diary struct {
	mu     sync.Mutex
	took   time.Duration
	starts []time.Time
	pace   incident.Pace
	busy   int
	most   int
	loop   *Loop
}

func newDiary(took time.Duration) *diary {
	d := &diary{took: took}
	d.loop = &Loop{Probe: d.probe, Report: d.report}
	return d
}

func (d *diary) probe(ctx context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
	d.mu.Lock()
	d.starts = append(d.starts, time.Now())
	d.busy++
	d.most = max(d.most, d.busy)
	d.mu.Unlock()
	select {
	case <-time.After(d.took):
	case <-ctx.Done():
	}
	d.mu.Lock()
	d.busy--
	d.mu.Unlock()
	return verdict.Probe{Check: id}
}

func (d *diary) report(context.Context, *config.Probe, verdict.Probe) incident.Pace {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pace
}

func (d *diary) setPace(p incident.Pace) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace = p
}

// during runs a check for some time and gives when it was probed in it.
func (d *diary) during(t *testing.T, id config.CheckID, check config.Probe, span time.Duration) []time.Time {
	t.Helper()
	d.mu.Lock()
	from := len(d.starts)
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	d.loop.Run(ctx, id, check)
	synctest.Wait()
	return d.starts[from:]
}

func TestFirstProbeComesSoonAndSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Second)
		began := time.Now()
		var running sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 11*time.Second)
		defer cancel()
		const checks = 200
		for i := range checks {
			running.Go(func() { d.loop.Run(ctx, config.CheckID(fmt.Sprint("mx", i)), config.Probe{Interval: time.Hour}) })
		}
		running.Wait()
		var tenths [10]int
		for _, start := range d.starts[:checks] {
			tenths[start.Sub(began)/time.Second]++
		}
		for i, n := range tenths {
			if n < checks/40 || n > checks/4 {
				t.Errorf("%d of %d first probes in second %d", n, checks, i)
			}
		}
	})
}

// However short the interval is: the first probe comes within it.
func TestFirstProbeComesWithinTheInterval(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, time.Minute, 24 * time.Hour} {
		within := min(interval, 10*time.Second)
		synctest.Test(t, func(t *testing.T) {
			for i := range 50 {
				if n := len(newDiary(0).during(t, config.CheckID(fmt.Sprint("mx", i)), config.Probe{Interval: interval}, within)); n == 0 {
					t.Errorf("mx%d was not probed within %v, at an interval of %v", i, within, interval)
				}
			}
		})
	}
}

// A check is due by the monotonic clock, which knows neither a suspend nor that
// somebody sets the clock: neither makes a check late. (There is none in
// synctest.)
func TestTurnsAreOfTheMonotonicClock(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var loop *Loop
	turns := 0
	loop = &Loop{
		Probe: func(_ context.Context, id config.CheckID, _ config.Probe) verdict.Probe {
			if due := loop.Next(id); due == due.Round(0) { // == compares the monotonic reading, too, which Round strips
				t.Errorf("turn %d is due at %v, by the clock on the wall", turns, due)
			}
			if turns++; turns == 3 {
				cancel()
			} else {
				loop.Wake(id)
			}
			return verdict.Probe{Check: id}
		},
		Report: func(context.Context, *config.Probe, verdict.Probe) incident.Pace { return incident.Pace{} },
	}
	loop.Run(ctx, "a", config.Probe{Interval: 100 * time.Millisecond})
}

// A probe that may still take its time is no standstill, be it the only one; one
// that should have ended is, and so is a turn that nobody takes.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Hour) // longer than its timeout allows
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d.loop.Limit = 1
		for _, id := range []config.CheckID{"a", "b"} {
			go d.loop.Run(ctx, id, config.Probe{Interval: 20 * time.Minute, Timeout: 5 * time.Minute})
		}
		for minute, want := range []bool{6: true, 7: true} {
			if got := d.loop.Stuck(30 * time.Second); got != want {
				t.Errorf("after %d minutes: stuck is %v", minute, got)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		waiting := d.loop.Waiting()
		if len(d.starts) != 1 || len(waiting) != 1 || waiting[0].Interval != 20*time.Minute || waiting[0].For < 6*time.Minute {
			t.Errorf("%d probes, %+v wait", len(d.starts), waiting)
		}
		time.Sleep(30 * time.Minute)
		if waiting = d.loop.Waiting(); len(waiting) != 2 {
			t.Errorf("%+v wait, want also the one whose probe does not end", waiting)
		}
		cancel()
		synctest.Wait()
	})
}

func TestPhaseSurvivesRestartAndDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		check := config.Probe{Interval: time.Minute}
		turns := map[time.Duration]bool{}
		for range 3 { // three lives of the daemon
			starts := newDiary(7*time.Second).during(t, "mx1/imaps", check, time.Hour+17*time.Second)
			for _, start := range starts[1:] {
				turns[time.Duration(start.UnixNano())%time.Minute] = true
			}
			if n := len(starts); n < 60 || n > 62 {
				t.Errorf("%d probes in an hour", n)
			}
		}
		if len(turns) != 1 {
			t.Errorf("the check's turn moved: %v", turns)
		}
	})
}

func TestChangedCheckIsProbedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Second)
		d.during(t, "a", config.Probe{Interval: time.Hour}, time.Minute)
		again := time.Now()
		starts := d.during(t, "a", config.Probe{Interval: 2 * time.Hour}, time.Minute)
		if len(starts) != 1 || !starts[0].Equal(again) {
			t.Errorf("restarted at %v, probed at %v", again, starts)
		}
	})
}

func TestRetryPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Second)
		d.setPace(incident.Pace{Confirming: true, Since: time.Now()})
		check := config.Probe{Interval: time.Hour, RetryInterval: 15 * time.Second}
		starts := d.during(t, "a", check, 30*time.Minute)
		for i := 1; i < len(starts); i++ {
			want := 16 * time.Second // from the end of one to the start of the next
			if starts[i-1].Sub(starts[0]) > 10*time.Minute {
				want = 61 * time.Second
			}
			if got := starts[i].Sub(starts[i-1]); got > want {
				t.Errorf("%v between probes after %v, want %v", got, starts[i-1].Sub(starts[0]), want)
			}
		}
		if n := len(starts); n < 38+18 || n > 38+22 {
			t.Errorf("%d probes in half an hour", n)
		}
	})
}

func TestTrackerGetsTheProbeItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Second)
		wish := time.Now().Add(3 * time.Minute)
		d.setPace(incident.Pace{At: wish})
		starts := d.during(t, "a", config.Probe{Interval: time.Hour}, 3*time.Minute+500*time.Millisecond)
		if len(starts) != 2 || !starts[1].Equal(wish) {
			t.Errorf("probed at %v, want the second at %v", starts, wish)
		}
	})
}

func TestAWishInThePastIsNoBusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(0)
		d.setPace(incident.Pace{At: time.Now().Add(-time.Hour)})
		if starts := d.during(t, "a", config.Probe{Interval: time.Hour}, time.Minute); len(starts) > 61 {
			t.Errorf("%d probes in a minute", len(starts))
		}
	})
}

func TestWakeProbesAtOnceAndNeverTwiceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(10 * time.Second)
		var late time.Duration
		d.loop.Lag = func(_ config.CheckID, by time.Duration) { late = max(late, by) }
		go func() {
			time.Sleep(20 * time.Minute)
			for range 5 {
				d.loop.Wake("a")
				time.Sleep(time.Second) // four of them while it is being probed
			}
			d.loop.Wake("no such check")
		}()
		starts := d.during(t, "a", config.Probe{Interval: 24 * time.Hour}, 30*time.Minute)
		if len(starts) != 3 || starts[2].Sub(starts[1]) != 10*time.Second || d.most != 1 || late != 0 {
			t.Errorf("probed at %v, %d at a time, %v late", starts, d.most, late)
		}
	})
}

func TestLimitAndLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(1500 * time.Millisecond)
		d.loop.Limit = 2
		var mu sync.Mutex
		var late time.Duration
		d.loop.Lag = func(_ config.CheckID, by time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			late = max(late, by)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var running sync.WaitGroup
		for i := range 40 {
			running.Go(func() { d.loop.Run(ctx, config.CheckID(fmt.Sprint(i)), config.Probe{Interval: time.Hour}) })
		}
		running.Wait()
		if d.most != 2 || len(d.starts) != 40 || late < 15*time.Second {
			t.Errorf("%d at a time, %d probes, %v late", d.most, len(d.starts), late)
		}
	})
}

func TestStoppedLoopReportsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(time.Minute)
		reported := 0
		d.loop.Report = func(context.Context, *config.Probe, verdict.Probe) incident.Pace {
			reported++
			return incident.Pace{}
		}
		began := time.Now()
		d.during(t, "a", config.Probe{Interval: time.Hour}, 11*time.Second)
		if took := time.Since(began); reported != 0 || took != 11*time.Second {
			t.Errorf("%d results of a cancelled probe, stopped after %v", reported, took)
		}
	})
}

// A check that is stopped before its first turn ends without one.
func TestStoppedBeforeTheFirstTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d.loop.Run(ctx, "a", config.Probe{Interval: time.Hour})
		time.Sleep(time.Minute)
		if len(d.starts) != 0 || !d.loop.Next("a").IsZero() {
			t.Errorf("probed at %v", d.starts)
		}
	})
}

// Many checks that changed at once are spread again, a few are not.
func TestManyRestartsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(0)
		generation := func(checks int, span time.Duration) (atOnce int) {
			began, before := time.Now(), len(d.starts)
			ctx, cancel := context.WithTimeout(t.Context(), span)
			defer cancel()
			for i := range checks {
				go d.loop.Run(ctx, config.CheckID(fmt.Sprint(i)), config.Probe{Interval: time.Hour})
			}
			<-ctx.Done()
			synctest.Wait()
			for _, start := range d.starts[before:] {
				if start.Equal(began) {
					atOnce++
				}
			}
			return atOnce
		}
		generation(1000, 20*time.Second)
		if n := generation(1000, 20*time.Second); n != 100 {
			t.Errorf("%d of 1,000 restarted checks were probed at once", n)
		}
		if n := generation(50, 20*time.Second); n != 50 {
			t.Errorf("%d of 50 restarted checks were probed at once", n)
		}
	})
}

// The nodes of a check probe one after the other, evenly over its interval, and the first alone
// logs in. A place that changes counts from the next probe on.
func TestNodesOfACheckTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const interval = time.Minute
		begin := func(at position) (d *diary, loggedIn *bool, stop func()) {
			d, loggedIn = newDiary(0), new(bool)
			d.loop.Turn = func(config.CheckID) (place, nodes int) { return at.place, at.nodes }
			d.loop.Report = func(_ context.Context, check *config.Probe, _ verdict.Probe) incident.Pace {
				*loggedIn = check.Login.Username != ""
				return incident.Pace{}
			}
			ctx, stop := context.WithCancel(t.Context())
			go d.loop.Run(ctx, "a", config.Probe{Interval: interval, Login: config.Login{Username: "anna"}})
			time.Sleep(5 * interval)
			synctest.Wait()
			return d, loggedIn, stop
		}
		last := func(d *diary) time.Duration {
			return time.Duration(d.starts[len(d.starts)-1].UnixNano()) % interval
		}
		alone, _, stop := begin(position{0, 1})
		stop()
		for place := range 3 {
			d, loggedIn, stop := begin(position{place, 3})
			stop()
			want := (last(alone) + time.Duration(place)*20*time.Second) % interval
			if got := last(d); got != want {
				t.Errorf("node %d of 3 probes %v after the minute, not %v", place+1, got, want)
			}
			if *loggedIn != (place == 0) {
				t.Errorf("node %d of 3 logs in: %v", place+1, *loggedIn)
			}
		}
		synctest.Wait()
	})
}
