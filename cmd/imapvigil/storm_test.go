//go:build soak

package main

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	stormChecks    = 10_000
	stormMegabytes = 250 // of memory at most
	// toldWithin is how long it may take until everybody has heard of all: two minutes
	// on a quiet machine. digestPause is how long after a digest people get the next one.
	toldWithin  = 20 * time.Minute
	digestPause = 5 * time.Minute
)

// Ten thousand checks fail within a second, and recover. Everybody hears of it, people
// in few messages although Slack is busy, programs of each; and the daemon stays
// small. How soon people get the first message is held in virtual time, by TestStorm of
// daemon/tracker; here it is logged, since it depends on what else the machine does.
func TestStorm(t *testing.T) {
	t.Parallel()
	s := newStorm(t)
	s.begin()
	for _, to := range []config.NotifierID{mailroom, workspace, programs} {
		s.awaitTold(to, notifiers.Opened, toldWithin)
	}
	if err := s.imap.recover(); err != nil {
		t.Fatal(err)
	}
	s.awaitTold(programs, notifiers.Closed, toldWithin)
	if *soak {
		s.awaitTold(mailroom, notifiers.Closed, digestPause+toldWithin)
		s.awaitTold(workspace, notifiers.Closed, digestPause+toldWithin)
	}
	resident := s.megabytes("VmHWM")
	s.stop()
	planned := s.plannedMegabytes()
	// On a busy machine the collector comes late, and more is allocated meanwhile.
	t.Logf("memory: %.0f MB planned by the runtime, %.0f MB resident at the peak", planned, resident)
	if planned > stormMegabytes {
		t.Errorf("it wanted %.0f MB of memory, want at most %d", planned, stormMegabytes)
	}
	s.verify()
}
