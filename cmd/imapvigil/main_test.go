package main

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain puts the program on PATH, as "imapvigil", for scripts and for tests
// that start it as a process of its own. It is this test binary, so the race
// detector watches it there too.
func TestMain(m *testing.M) {
	// The tests wait for daemons far more than they compute.
	_ = flag.Set("test.parallel", "16")
	testscript.Main(leakChecked{m}, map[string]func(){"imapvigil": main})
}

// leakChecked lets no goroutine outlive the tests of this process.
type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if code != 0 {
		return code
	}
	// slacktest has no end for the goroutine that feeds a websocket.
	const feeder = "github.com/slack-go/slack/slacktest.handlePendingMessages"
	if err := goleak.Find(goleak.IgnoreAnyFunction(feeder)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// How often eventually looks, and how long before most of its callers give up: more
// than ten times what anything takes on a quiet machine, where first probes are spread
// over ten seconds.
const (
	lookEvery = 100 * time.Millisecond
	patience  = 3 * time.Minute
)

// eventually waits until cond is true of another process, and reports whether
// it came true by the deadline. There is nothing to be told by, so it looks.
func eventually(deadline time.Duration, cond func() bool) bool {
	end := time.Now().Add(deadline)
	for {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(lookEvery)
	}
}
