package history

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// What was in force is remembered: a check that was added, paused and removed, and a probe
// that did not come.
func TestTheTimesOfAChecksLife(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a", "b"))
		s.wait(10 * time.Second)
		s.probe(10*time.Minute, "a", "b") // until 00:10:10
		s.store.Use(configuration("a", "-b", "new"))
		s.probe(10*time.Minute, "a", "new")
		s.store.Use(configuration("a", "b"))
		s.probe(10*time.Minute, "b") // a is not probed
		s.wait(30 * time.Second)
		s.expectLife("a", "ever-00:00:00 unknown the history was not begun", "00:00:00-00:00:10 unknown not probed yet", "00:21:20-... unknown no probe")
		s.expectLife("b", "ever-00:00:00 unknown the history was not begun", "00:00:00-00:00:10 unknown not probed yet",
			"00:10:10-00:20:10 paused")
		s.expectLife("new", "ever-00:10:10 absent", "ever-00:00:00 unknown the history was not begun", "00:20:10-... absent")
		s.store.Result(good("a"))
		s.wait(10 * time.Second)
		s.expectLife("a", "ever-00:00:00 unknown the history was not begun", "00:00:00-00:00:10 unknown not probed yet",
			"00:21:20-00:30:40 unknown no probe")
		s.expectLife("never", "ever-... absent", "ever-00:00:00 unknown the history was not begun")
	})
}

// While no daemon runs nothing is known; what was paused and is paused still was paused all
// the time, and what the files have brought meanwhile begins with the start.
func TestTheTimeBetweenTwoDaemons(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a", "-b", "-c"))
		s.probe(10*time.Minute, "a")
		s.stop()
		s.wait(time.Hour)
		s.start()
		s.store.Use(configuration("a", "-b", "c", "d"))
		s.wait(5 * time.Second)
		s.probe(10*time.Minute, "a", "c", "d")
		s.expectLife("a", "ever-00:00:00 unknown the history was not begun", "00:10:00-01:10:00 unknown the monitor did not run",
			"01:10:00-01:10:05 unknown not probed yet")
		s.expectLife("b", "ever-00:00:00 unknown the history was not begun", "00:00:00-... paused", "00:10:00-01:10:00 unknown the monitor did not run")
		s.expectLife("c", "ever-00:00:00 unknown the history was not begun", "00:00:00-00:10:00 paused",
			"00:10:00-01:10:00 unknown the monitor did not run", "01:10:00-01:10:05 unknown not probed yet")
		s.expectLife("d", "ever-01:10:00 absent", "ever-00:00:00 unknown the history was not begun",
			"00:10:00-01:10:00 unknown the monitor did not run", "01:10:00-01:10:05 unknown not probed yet")
	})
}

// Nothing is known between the start of a daemon and its first configuration: a check that is
// paused, or was never probed, has no moment in which it was up.
func TestNothingIsKnownBeforeTheFirstConfiguration(t *testing.T) {
	onStage(t, func(s *stage) {
		s.wait(5 * time.Second)
		s.store.Use(configuration("never", "-off"))
		s.wait(10 * time.Minute)
		s.stop()
		s.wait(time.Hour)
		s.start()
		s.wait(5 * time.Second)
		s.store.Use(configuration("never", "-off"))
		s.wait(10 * time.Second)
		s.expectLife("off", "ever-00:00:05 unknown the history was not begun", "00:00:05-... paused",
			"00:10:05-01:10:10 unknown the monitor did not run")
		s.expectLife("never", "ever-00:00:05 unknown the history was not begun", "00:00:05-00:10:05 unknown not probed yet",
			"00:10:05-01:10:10 unknown the monitor did not run", "01:10:10-... unknown not probed yet")
	})
}

// A check that has another id keeps its life, whether it is renamed while the daemon runs or
// while it does not.
func TestAMovedCheckKeepsItsLife(t *testing.T) {
	onStage(t, func(s *stage) {
		s.store.Use(configuration("a", "b"))
		s.probe(10*time.Minute, "a", "b")
		s.wait(5 * time.Minute) // a gap
		moved := configuration("a2", "b")
		moved.Moved = []config.Move{{From: "a", To: "a2"}}
		s.store.Use(moved)
		s.probe(10*time.Minute, "a2", "b")
		s.expectLife("a2", "ever-00:00:00 unknown the history was not begun", "00:11:10-00:15:00 unknown no probe")
		s.stop()
		s.start()
		again := configuration("a2", "b2")
		again.Moved = []config.Move{{From: "a", To: "a2"}, {From: "b", To: "b2"}}
		s.store.Use(again)
		s.probe(time.Minute, "a2", "b2")
		s.expectLife("b2", "ever-00:00:00 unknown the history was not begun", "00:11:10-00:15:00 unknown no probe")
		s.expectLife("a", "ever-... absent", "ever-00:00:00 unknown the history was not begun")
	})
}

// Maintenance is remembered as it was in force: a reload that shortens or removes it changes
// nothing of what has been.
func TestMaintenanceAsItWasInForce(t *testing.T) {
	onStage(t, func(s *stage) {
		at := func(minutes int) time.Time { return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC) }
		cfg := configuration("a", "b")
		cfg.Maintenance = []config.Maintenance{
			{Name: "early", Zone: time.UTC, Start: at(2), Duration: 3 * time.Minute, AppliesTo: []config.Ref{{Check: "a"}}},
			{Name: "late", Zone: time.UTC, Start: at(10), Duration: time.Hour, AppliesTo: []config.Ref{{Check: "a"}}},
		}
		s.store.Use(cfg)
		s.probe(20*time.Minute, "a", "b")
		s.store.Use(configuration("a", "b"))
		s.probe(time.Minute, "a", "b")
		s.expectLife("a", "ever-00:00:00 unknown the history was not begun", "00:02:00-00:05:00 maintenance early", "00:10:00-00:20:00 maintenance late")
		s.expectLife("b", "ever-00:00:00 unknown the history was not begun")
	})
}
