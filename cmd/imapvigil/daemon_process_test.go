//go:build !quick

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A daemonProcess is the daemon as a process of its own, with its files in a directory
// of the test. It can be killed and started again.
type daemonProcess struct {
	t       testing.TB
	program string
	dir     string
	env     []string
	client  *api.Client
	args    []string      // of run, beside those that say where its files are
	out     *os.File      // what the daemon prints goes here; nil: into the file "log"
	notify  *net.UnixConn // what systemd would listen on
	ready   chan struct{} // holds one when the daemon has said READY=1
	heard   chan struct{} // takes one for each datagram "HEARD", which the test sends itself

	process *exec.Cmd // nil: not running
	exited  chan struct{}
}

// newDaemonProcess prepares a daemon that has environment variables beside those of
// the test. It does not start it.
func newDaemonProcess(t testing.TB, env map[string]string) *daemonProcess {
	t.Helper()
	// The path of a unix socket is short (unix(7)), the name of a test is not.
	dir, err := os.MkdirTemp("", "daemonProcess-")
	if err != nil {
		t.Fatal(err)
	}
	v := &daemonProcess{
		t: t, program: "imapvigil", dir: dir, env: os.Environ(), client: api.NewClient(filepath.Join(dir, "control.sock")),
		ready: make(chan struct{}, 1), heard: make(chan struct{}),
	}
	t.Cleanup(v.discard)
	for name, value := range env {
		v.env = append(v.env, name+"="+value)
	}
	v.env = append(v.env, "NOTIFY_SOCKET="+v.path("notify.sock"))
	v.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: v.path("notify.sock"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() { defer close(heard); v.listen() }()
	t.Cleanup(func() { _ = v.notify.Close(); <-heard })
	if err := os.Mkdir(v.path("conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	return v
}

// discard is for the end of the test.
func (v *daemonProcess) discard() {
	if v.process != nil {
		v.kill()
	}
	log := v.log()
	if v.t.Failed() {
		v.t.Logf("log of the daemon:\n%s", excerpt(log))
	}
	if strings.Contains(log, "DATA RACE") {
		v.t.Errorf("the race detector spoke:\n%s", excerpt(log))
	}
	_ = os.RemoveAll(v.dir)
}

func (v *daemonProcess) path(name string) string { return filepath.Join(v.dir, name) }

// write puts a file into the configuration at once, as an editor does.
func (v *daemonProcess) write(name, text string) {
	v.t.Helper()
	path := v.path(filepath.Join("conf", name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		v.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		v.t.Fatal(err)
	}
}

// start starts the daemon and returns when it has told systemd that it is
// ready.
func (v *daemonProcess) start() {
	v.t.Helper()
	v.launch()
	select {
	case <-v.ready:
	case <-v.exited:
		v.t.Fatalf("the daemon does not start: %s", v.process.ProcessState)
	case <-time.After(patience):
		v.t.Fatalf("the daemon is not ready within %s", patience)
	}
}

// launch starts the daemon and does not wait.
func (v *daemonProcess) launch() {
	v.t.Helper()
	log, err := os.OpenFile(v.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		v.t.Fatal(err)
	}
	defer log.Close()
	if v.out != nil {
		log = v.out
	}
	v.process = exec.Command(v.program, append([]string{
		"run", "--config", v.path("conf"), "--state-dir", v.path("state"),
		"--control", v.path("control.sock"), "--log-format", "json",
	}, v.args...)...)
	v.process.Env, v.process.Stdout, v.process.Stderr = v.env, log, log
	v.forgetReady()
	if err := v.process.Start(); err != nil {
		v.t.Fatal(err)
	}
	process, exited := v.process, make(chan struct{})
	v.exited = exited
	go func() {
		_ = process.Wait()
		close(exited)
	}()
}

// forgetReady drops what the daemon before this one has said, also what still stands in
// the socket: datagrams come in the order in which they were sent.
func (v *daemonProcess) forgetReady() {
	v.t.Helper()
	conn, err := net.DialUnix("unixgram", nil, v.notify.LocalAddr().(*net.UnixAddr))
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("HEARD")); err != nil {
		v.t.Fatal(err)
	}
	<-v.heard
	select {
	case <-v.ready:
	default:
	}
}

// listen takes what is told to systemd (sd_notify(3)), as systemd would all the
// time: the socket holds few datagrams, and then its writers wait.
func (v *daemonProcess) listen() {
	datagram := make([]byte, 4096)
	for {
		n, err := v.notify.Read(datagram)
		if err != nil {
			return
		}
		if string(datagram[:n]) == "HEARD" {
			v.heard <- struct{}{}
		}
		if bytes.HasPrefix(datagram[:n], []byte("READY=1")) {
			select {
			case v.ready <- struct{}{}:
			default:
			}
		}
	}
}

// kill is kill -9.
func (v *daemonProcess) kill() {
	v.t.Helper()
	_ = v.process.Process.Kill()
	<-v.exited
	v.process = nil
}

// stop is what systemd does: SIGTERM, and exit code 0 soon after.
func (v *daemonProcess) stop() {
	v.t.Helper()
	if err := v.process.Process.Signal(syscall.SIGTERM); err != nil {
		v.t.Fatal(err)
	}
	select {
	case <-v.exited:
	case <-time.After(patience):
		v.t.Errorf("the daemon has not ended within %s", patience)
	}
	process := v.process
	v.kill()
	if code := process.ProcessState.ExitCode(); code != 0 {
		v.t.Errorf("the daemon ended with %s, not with exit code 0", process.ProcessState)
	}
}

func (v *daemonProcess) log() string {
	text, err := os.ReadFile(v.path("log"))
	if err != nil && !os.IsNotExist(err) {
		v.t.Error(err)
	}
	return string(text)
}

// logged gives the lines of the log with a message.
func (v *daemonProcess) logged(message string) (lines []map[string]any) {
	v.t.Helper()
	for text := range strings.Lines(v.log()) {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

// command runs the program against the daemon and gives what it prints and its
// exit code.
func (v *daemonProcess) command(args ...string) (stdout string, code int) {
	v.t.Helper()
	var out, err bytes.Buffer
	cmd := exec.Command(v.program, append(args, "--state-dir", v.path("state"), "--control", v.path("control.sock"))...)
	cmd.Env, cmd.Stdout, cmd.Stderr = v.env, &out, &err
	code = exitCodeOf(cmd.Run())
	if code < 0 {
		v.t.Fatalf("imapvigil %s: %s", strings.Join(args, " "), err.String())
	}
	return out.String(), code
}

// await waits until cond is true.
func (v *daemonProcess) await(what string, deadline time.Duration, cond func() bool) {
	v.t.Helper()
	if !eventually(deadline, cond) {
		status, _ := v.command("status")
		v.t.Fatalf("waited %s for %s\n%s", deadline, what, status)
	}
}

func (v *daemonProcess) status() api.Status {
	v.t.Helper()
	status, err := v.client.Status(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	return status
}

// check gives one check of the status.
func (v *daemonProcess) check(id config.CheckID) api.Check {
	v.t.Helper()
	for _, c := range v.status().Checks {
		if c.ID == id {
			return c
		}
	}
	v.t.Fatalf("status knows no check %q", id)
	return api.Check{}
}

// awaitAll waits until every check is in a state.
func (v *daemonProcess) awaitAll(state incident.CheckState) {
	v.t.Helper()
	v.await("every check to be "+string(state), patience, func() bool {
		checks := v.status().Checks
		for _, c := range checks {
			if c.State != state {
				return false
			}
		}
		return len(checks) > 0
	})
}
