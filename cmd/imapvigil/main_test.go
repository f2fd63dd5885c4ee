package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain puts the program on PATH, as "imapvigil", for scripts and for tests
// that start it as a process of its own. It is this test binary, so the race
// detector watches it there too.
func TestMain(m *testing.M) {
	// The tests wait for daemons far more than they compute.
	_ = flag.Set("test.parallel", "16")
	testscript.Main(leakChecked{m}, map[string]func(){"imapvigil": offThePage, "powerless": powerless})
}

// offThePage is the program, whose daemon listens nowhere unless its command line names an
// address or says "--listen=configured": tests run many daemons at once, on one machine.
func offThePage() {
	if i := slices.Index(os.Args, "--listen=configured"); i > 0 {
		os.Args = slices.Delete(os.Args, i, i+1)
	} else if len(os.Args) > 1 && os.Args[1] == "run" && !strings.Contains(strings.Join(os.Args, " "), "--listen") {
		os.Args = append(os.Args, "--listen=")
	}
	main()
}

// powerless is a program that runs another one for which the modes of files count, even
// if the tests run as root: a root without capabilities (capabilities(7)).
func powerless() {
	program, err := exec.LookPath(os.Args[1])
	if err == nil && os.Geteuid() == 0 {
		// A thread has its own; Exec makes this one the process.
		runtime.LockOSThread()
		const noRoot = 1 // SECBIT_NOROOT: exec gives root no capabilities
		err = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0)
	}
	if err == nil {
		err = syscall.Exec(program, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "powerless:", err)
	os.Exit(125)
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

	// The longest pause between two attempts for a message. They double, so a script that gets slowly
	// to where the message may arrive waits longer for the next attempt.
	betweenAttempts = 15 * time.Minute
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
