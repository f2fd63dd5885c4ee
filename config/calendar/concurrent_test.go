package calendar_test

import (
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

// Several goroutines ask one calendar, about different times: each gets the answer that
// a calendar of its own would give.
func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	cfg := &config.Config{
		Schedules: map[config.ScheduleID]*config.Schedule{"night": {ID: "night", Zone: zone, Windows: night}},
		Maintenance: []config.Maintenance{{
			Zone: zone, Start: time.Date(2026, 1, 1, 22, 0, 0, 0, zone), Duration: 8 * time.Hour, RRule: "FREQ=DAILY;INTERVAL=2",
			AppliesTo: []config.Ref{{Check: "a"}},
		}},
	}
	check := &config.Check{ID: "a"}
	shared := calendar.New(cfg)
	var asking sync.WaitGroup
	for n := range 8 {
		asking.Go(func() {
			for hour := range 100 {
				at := time.Date(2026, 1, 5+n, hour, 0, 0, 0, zone)
				own := calendar.New(cfg)
				next, within := shared.Within("night", at)
				wantNext, wantWithin := own.Within("night", at)
				change, in := shared.Maintenance(check, at)
				wantChange, wantIn := own.Maintenance(check, at)
				if within != wantWithin || !next.Equal(wantNext) || in != wantIn || !change.Equal(wantChange) {
					t.Errorf("at %s: %t until %s, %t until %s", at, within, next, in, change)
				}
			}
		})
	}
	asking.Wait()
}
