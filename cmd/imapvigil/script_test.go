package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// The scripts under testdata show each command at work, with the files it
// reads, and are meant to be read. Beside the commands of testscript they have
//
//	exits CODE program [args...]       run it; the exit code must be CODE; again where the machine let a probe run too late
//	[root] command                     only as root
//	eventually PATTERN program [args...]  run it until its output matches
//	noticed PATTERN program [args...]     the same, before the daemon looks at its files by itself
//	signal NAME                        send SIGNAME to the daemon in the background
//	capture NAME PATTERN               keep what the pattern's group matched on stdout
//	keys FILE COMMAND                  write the keys of the JSON on stdout to FILE; the README must have them
//	server NAME VERB [ARG]             an IMAP server; its port is $NAME
//	receiver NAME [plays SERVICE|PATTERN]  an HTTP server; its URL is $NAME
//	port NAME                          choose a free port, which is $NAME
//	natsserver                         make the program nats-server; its path is $NATS_SERVER
//	page URL STATUS PATTERN [WHO]      ask for a page, as USER:PASSWORD or with a token; ! page URL: nothing answers
//	relay NAME [refuses ADDRESS CODE WORDS]  an SMTP server; its port is $NAME
//
// The servers' authority is in $WORK/ca.pem.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Files:               scripts(t),
		UpdateScripts:       golden.Updating(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setStage,
		Condition:           func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"eventually": eventuallyMatches("eventually", patience),
			"noticed":    eventuallyMatches("noticed", beforeOwnLook),
			"retried":    eventuallyMatches("retried", betweenAttempts+patience),
			"signal":     signalDaemon,
			"capture":    capture,
			"keys":       writeKeys,
			"server":     stageServer,
			"receiver":   stageReceiver,
			"relay":      stageRelay,
			"port":       choosePort,
			"natsserver": natsServer(t),
			"page":       askPage,
		},
	})
}

// scripts lists the scripts: all of them, or with the tag quick those that run no daemon.
func scripts(t *testing.T) (list []string) {
	all, err := filepath.Glob(filepath.Join("testdata", "script", "*.txtar"))
	if err != nil || len(all) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !quick || !startsDaemon.Match(text) {
			list = append(list, file)
		}
	}
	return list
}

var startsDaemon = regexp.MustCompile(`(?m)^[a-z0-9 ]*\bimapvigil (run|demo)\b`)

// starvedAttempts is how often a probe is made that the machine let run too late.
const starvedAttempts = 20

// starved matches what a probe prints that this machine kept from running: it judges
// nobody then (exit code 3), and another one may.
var starved = regexp.MustCompile(`This\s+machine\s+let\s+the\s+monitor\s+run\s+too\s+late`)

// exits runs a program and looks at its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := exitCodeOf(ts.Exec(args[1], args[2:]...))
	for range starvedAttempts {
		if got == want || !starved.MatchString(ts.ReadFile("stdout")) {
			break
		}
		got = exitCodeOf(ts.Exec(args[1], args[2:]...))
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// exitCodeOf is -1 for what was no exit.
func exitCodeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// beforeOwnLook ends before the daemon's own check of the files, which comes
// every 30 seconds: what is noticed by then was noticed by itself.
const beforeOwnLook = 25 * time.Second

// eventuallyMatches makes a command that runs a program until its output is as wanted,
// whatever its exit code.
func eventuallyMatches(name string, within time.Duration) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: %s PATTERN program [args...]", name)
		}
		pattern, err := regexp.Compile("(?m)" + args[0])
		ts.Check(err)
		matches := func() bool {
			_ = ts.Exec(args[1], args[2:]...)
			return pattern.MatchString(ts.ReadFile("stdout"))
		}
		if !eventually(within, matches) {
			ts.Fatalf("no output like %q within %s", args[0], within)
		}
	}
}

var signals = map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}

// signalDaemon signals what runs in the background.
func signalDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal HUP, TERM or KILL")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(signals[args[0]]))
	}
}

// capture keeps what a group of a pattern matched on stdout in a variable.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("nothing on stdout is like %q", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// natsServer makes the command natsserver.
func natsServer(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: natsserver")
		}
		ts.Setenv("NATS_SERVER", bustest.Program(t))
	}
}
