package cluster_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

var stormChecks = flag.Int("storm", 1000, "how many checks fail in the test of a storm at a node that is alone")

// Everything fails at a node that is alone, and the bus comes back when it has told of half and gathers the rest for
// the next message. It hands over all of it at once; people get a few messages that name many incidents, and hear
// nothing of the rest from this node; and one incident of each check is left.
func TestAloneInAStorm(t *testing.T) {
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		cfg := loadFiles(t, string(house), &config.Node{ID: "fra1", Location: "frankfurt", Decide: true}, &config.Node{ID: "lon1", Location: "london", Decide: true})
		multiply(cfg, *stormChecks)
		s := newStage(t, cfg)
		s.createStream()
		s.net.Delay(13 * time.Millisecond)
		s.answerTime.Store(int64(5 * time.Second))
		defer s.end()
		spent := cpuSpent(t)
		for line := range strings.Lines("00:00:00 start all\n00:01:00 cut lon1\n00:02:30 everything: tls timeout\n00:05:02 heal lon1\n00:09:00 wait\n") {
			s.line(line)
		}
		shared := s.snapshot(s.machine("fra1").process.node.Tracker())
		own := s.snapshot(s.machine("lon1").process.own)
		open, handed, named := 0, 0, 0
		for in := range shared.Incidents() {
			if in.Incident.Open() && in.Incident.Condition == config.ConditionService {
				open++
			}
		}
		for in := range own.Incidents() {
			if in.Incident.ClosedAs == incident.HandedOver {
				handed++
			}
			if in.Incident.HandedAs != "" {
				named++
			}
		}
		if open != *stormChecks || handed != *stormChecks || named != *stormChecks {
			t.Errorf("of %d checks %d are open for all, %d were handed over, and %d of these with a name", *stormChecks, open, handed, named)
		}
		if testing.Verbose() {
			for line := range strings.Lines(s.out.text.String()) {
				if strings.Contains(line, " > ") {
					t.Log(strings.TrimSpace(line))
				}
			}
		}
		messages := strings.Count(s.out.text.String(), " > ")
		var memory runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&memory)
		t.Logf("%d checks: %d messages, %d MB in use, %s of CPU", *stormChecks, messages, memory.HeapAlloc>>20, cpuSpent(t)-spent)
		if messages > 12 {
			t.Errorf("people got %d messages", messages)
		}
	})
}

// multiply makes many checks of the first, probed once a minute.
func multiply(cfg *config.Config, n int) {
	one := *cfg.Checks["mx1/imaps"]
	one.Probe.Interval, one.Probe.RetryInterval = time.Minute, 30*time.Second
	clear(cfg.Checks)
	for i := range n {
		c := one
		c.Server = "" // each is a server of its own
		c.ID = config.CheckID(fmt.Sprintf("customer%05d/imaps", i))
		c.Label = string(c.ID)
		cfg.Checks[c.ID] = &c
	}
}

// cpuSpent returns what this process has spent.
func cpuSpent(t *testing.T) time.Duration {
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
