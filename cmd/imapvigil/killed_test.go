//go:build soak

package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// The daemon is killed at random moments: while it starts, observes, decides,
// writes, sends. Servers fail and recover meanwhile, receivers answer late or
// not at all. In the end each failure that lasted was told once, with its end,
// and none that did not; what came twice came with the same key.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	const seas = 2
	kills := 200
	if *soak {
		kills = 2000
	}
	for n := range seas {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			killedAtRandom(t, kills/seas)
		})
	}
}

func killedAtRandom(t *testing.T, kills int) {
	t.Helper()
	began := time.Now()
	s := newKillScenario(t, 200)
	for n := range kills {
		s.mailed.Store(n < kills/3) // so that the last mails, a minute apart, arrive meanwhile
		s.runUntilKilled()
	}
	s.endWaves()
	s.verify()
	t.Logf("%d kills in %s: %s", kills, time.Since(began).Round(time.Second), s.summary())
}

// runUntilKilled is one life of the daemon, half of them too short to do anything.
func (s *killScenario) runUntilKilled() {
	s.t.Helper()
	s.beginLife()
	s.launch()
	length := rand.N(300 * time.Millisecond)
	if rand.IntN(3) > 0 {
		length = 300*time.Millisecond + rand.N(3*time.Second)
	}
	select {
	case <-time.After(length):
	case <-s.exited:
		s.t.Fatalf("the daemon ended by itself: %s", s.process.ProcessState)
	case err := <-s.failed:
		s.t.Fatal(err)
	}
	s.kill()
}

// endWaves lets the daemon live until everybody has heard of everything.
func (s *killScenario) endWaves() {
	s.t.Helper()
	s.beginLife()
	s.start()
	close(s.noMoreWaves)
	if err := <-s.failed; err != nil { // nil: the waves have ended
		s.t.Fatal(err)
	}
	if err := s.journalReader.await(s.ctx, mailPatience, s.unmailed); err != nil {
		s.t.Fatalf("%s\n%s", err, s.mailStory(s.unmailedIncidents()))
	}
	s.stop()
	s.stopWatching()
	if err := s.journalReader.readOn(s.path("state/journal")); err != nil {
		s.t.Fatal(err)
	}
}

// failureWaves let servers fail and recover until noMoreWaves is closed.
func (s *killScenario) failureWaves() error {
	for {
		select {
		case <-s.noMoreWaves:
			return nil
		default:
		}
		long, brief, err := s.failMost()
		if err == nil {
			err = s.journalReader.await(s.ctx, settled, func() []string { return s.unopened(long, brief) })
		}
		if err == nil {
			err = s.recoverFailed(long)
		}
		if err == nil {
			err = s.journalReader.await(s.ctx, settled, func() []string { return s.unclosed(long) })
		}
		if err != nil {
			return fmt.Errorf("wave %d: %w", s.waves.Load(), err)
		}
		s.waves.Add(1)
	}
}
