package main

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	stormChecks    = 10_000
	stormTolerance = 5 * time.Second // fault_tolerance in testdata/soak/storm.hcl
	stormMegabytes = 500             // resident at most
	// firstMessage is how long after the tolerance people's first message comes
	// at most: 10 s in which it waits for company, and what it takes to decide
	// and to write.
	firstMessage = 12 * time.Second
	// programsTold is how long it may take until the webhook has heard of all.
	programsTold = 3 * time.Minute
	digestPause  = 5 * time.Minute
)

// 10,000 checks fail within a second. Everybody hears of it soon, people in few
// messages although Slack is busy, programs of each; and the daemon stays small.
func TestStorm(t *testing.T) {
	t.Parallel()
	s := newStorm(t)
	s.begin()
	for _, people := range []config.NotifierID{mailroom, workspace} {
		s.await("a message to "+string(people), minutely, func() bool { return s.witness.told(people, notifiers.Opened) > 0 })
	}
	s.awaitTold(programs, notifiers.Opened, programsTold)
	if *soak {
		s.toItsEnd()
	}
	memory := s.megabytes("VmHWM")
	t.Logf("resident memory at its peak: %.0f MB", memory)
	if memory > stormMegabytes {
		t.Errorf("it took %.0f MB of memory, want at most %d", memory, stormMegabytes)
	}
	s.stop()
	s.verify()
}

// toItsEnd waits until people have heard of all, lets the checks recover, and
// waits until everybody has heard of that.
func (s *storm) toItsEnd() {
	s.t.Helper()
	s.awaitTold(mailroom, notifiers.Opened, 2*digestPause)
	s.awaitTold(workspace, notifiers.Opened, 2*digestPause)
	if err := s.imap.recover(); err != nil {
		s.t.Fatal(err)
	}
	s.awaitTold(programs, notifiers.Closed, programsTold)
	s.awaitTold(mailroom, notifiers.Closed, 3*digestPause)
	s.awaitTold(workspace, notifiers.Closed, 3*digestPause)
}
