package selfcheck_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/selfcheck"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A sluggish process is late by a share of the time, from some time on.
type sluggish struct {
	mu      sync.Mutex
	percent int
	since   time.Time
	late    time.Duration // until since
}

func (s *sluggish) lateness() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late + time.Since(s.since)*time.Duration(s.percent)/100
}

func (s *sluggish) clock() clock.Reading {
	r := clock.Undisturbed()
	r.Late = s.lateness()
	return r
}

// become lets it be late by another share, after it has been late at once by d.
func (s *sluggish) become(percent int, d time.Duration) {
	late := s.lateness()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since, s.late, s.percent = time.Now(), late+d, percent
}

// What lasts is told within half a minute, once, and so is its end.
func TestLag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		percent int
		once    time.Duration // it stood still for so long, once
		lasts   time.Duration
		told    string // in the hint; empty: nobody is told
	}{
		{"in time", 0, 0, time.Minute, ""},
		{"starved", 78, 0, 40 * time.Second, "could not run for 78 % of the last 5s"},
		{"just too late", 25, 0, 40 * time.Second, "could not run for 25 % of the last 5s"},
		{"not too late", 24, 0, time.Hour, ""},
		{"too late for a moment", 90, 0, 20 * time.Second, ""},
		{"stood still once", 0, 40 * time.Second, time.Hour, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				process := &sluggish{since: time.Now()}
				self := selfcheck.New(selfcheck.Options{Clock: process.clock})
				ctx, end := context.WithCancel(t.Context())
				type word struct {
					at   time.Duration
					hint string
				}
				began := time.Now()
				var said []word
				var running sync.WaitGroup
				running.Go(func() {
					_ = self.Run(ctx, func(_ context.Context, f *incident.Finding) {
						w := word{at: time.Since(began)}
						if f != nil {
							w.hint = f.Hint
						}
						said = append(said, w)
					})
				})
				time.Sleep(4 * time.Minute)
				synctest.Wait()
				if len(said) != 1 || said[0].hint != "" {
					t.Fatalf("before it: %v", said)
				}
				began, said = time.Now(), nil
				process.become(test.percent, test.once)
				time.Sleep(test.lasts)
				process.become(0, 0)
				time.Sleep(5 * time.Minute)
				end()
				running.Wait()
				switch {
				case test.told == "" && len(said) > 0:
					t.Errorf("it was told: %v", said)
				case test.told == "":
				case len(said) != 2 || !strings.Contains(said[0].hint, test.told) || said[1].hint != "":
					t.Errorf("it was told: %v", said)
				case said[0].at > 35*time.Second || said[1].at > test.lasts+2*time.Minute+30*time.Second:
					t.Errorf("it was told late: %v", said)
				}
			})
		})
	}
}

// Of a probe that ran while the process stood still nothing bad is believed, not
// even what a server said: who knows how long ago that was.
func TestProbesOfAProcessThatStoodStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var resumed time.Time
		self := selfcheck.New(selfcheck.Options{Clock: func() clock.Reading {
			r := clock.Undisturbed()
			r.ProcessResumed = resumed
			return r
		}})
		found := func(cause string) verdict.Probe { return probed("192.0.2.1 down greeting/" + cause) }
		well := probed("192.0.2.1 ok")
		well.Started, well.Ended = time.Now(), time.Now()
		timedOut, bye := found("timeout"), found("bye")
		time.Sleep(40 * time.Second)
		resumed = time.Now()
		for _, r := range []verdict.Probe{timedOut, bye} {
			if got := judge(t.Context(), self, r); got.Health() != incident.Unknown || got.Observed != 0 {
				t.Errorf("it is %s: %v", got.Health(), got.Findings)
			}
		}
		if got := judge(t.Context(), self, well); got.Health() != incident.OK {
			t.Errorf("what was well is %s", got.Health())
		}
		if got := judge(t.Context(), self, found("bye")); got.Health() != incident.Down {
			t.Errorf("what was found after it is %s", got.Health())
		}
	})
}
