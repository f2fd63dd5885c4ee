//go:build systemd

package packaging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// How long something on a machine may take before the test gives up: far longer
// than it takes on a machine that does other things too.
const patience = 10 * time.Minute

// A machine is a Debian that was booted for one test, with systemd as its first
// process and a network of its own that leads nowhere. What is written there is
// gone with it.
type machine struct {
	t      *testing.T
	booted <-chan string // gives the leader once, or is closed
	leader string        // the process id, here, of its first process
}

// boots counts them, for a name that no other has.
var boots atomic.Int32

// mailServers are installed on each machine, and run on those that ask for them.
var mailServers = []string{"dovecot", "postfix"}

// boot starts a machine of a Debian release, and waits until all of its services
// run. Of the mail servers only those run that are named.
func boot(t *testing.T, release string, running ...string) *machine {
	t.Helper()
	m := switchOn(t, release, running...)
	m.awaitServices()
	return m
}

// switchOn is boot without the waiting, for several machines that boot at the same time.
func switchOn(t *testing.T, release string, running ...string) *machine {
	t.Helper()
	mustBoot(t)
	dir := image(t, release)
	name := fmt.Sprintf("imapvigil-%s-%d-%d", release, os.Getpid(), boots.Add(1))
	place := newPlace(t, name)
	news, socket := notifications(t)
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	args := []string{
		"--quiet", "--machine=" + name, "--register=no", "--keep-unit",
		"--private-network", "--volatile=overlay", "--notify-ready=yes", "--console=read-only", "--directory=" + dir, "--boot",
	}
	for _, server := range mailServers {
		if !slices.Contains(running, server) {
			args = append(args, "systemd.mask="+server+".service") // see systemd-debug-generator(8)
		}
	}
	nspawn := exec.CommandContext(ctx, "systemd-nspawn", args...)
	// systemd 257 boots under no older hierarchy, which the host may have.
	nspawn.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "NOTIFY_SOCKET="+socket)
	nspawn.Stdout, nspawn.Stderr = console, console
	nspawn.Cancel = func() error { return nspawn.Process.Signal(syscall.SIGTERM) } // powers it off
	nspawn.WaitDelay = 30 * time.Second
	// If this process is killed, the machine goes too.
	nspawn.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, UseCgroupFD: true, CgroupFD: place.descriptor()}
	if err := nspawn.Start(); err != nil {
		end()
		place.clear()
		t.Fatalf("%v; on Debian, systemd-container has it", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = nspawn.Wait()
		_ = news.Close() // there will be none any more
	}()
	m := &machine{t: t, booted: readNews(news)}
	t.Cleanup(func() {
		if t.Failed() {
			m.tellMore(console.Name())
		}
		end()
		<-ended
		_ = console.Close()
		place.clear()
	})
	return m
}

// awaitServices waits until a machine that was switched on has booted.
func (m *machine) awaitServices() {
	m.t.Helper()
	select {
	case m.leader = <-m.booted:
	case <-time.After(patience):
	}
	if m.leader == "" {
		m.t.Fatal("the machine does not boot")
	}
	if state, _ := m.try("systemctl", "is-system-running", "--wait"); state != "running" {
		failed, _ := m.try("systemctl", "--failed", "--no-legend")
		m.t.Fatalf("the machine is %s: %s", state, failed)
	}
}

// in returns the same machine for a part of the test.
func (m *machine) in(t *testing.T) *machine { return &machine{t: t, leader: m.leader} }

// mustBoot fails the test where no machine could boot.
func mustBoot(t *testing.T) {
	t.Helper()
	const otherwise = "; make test SYSTEMD=no leaves out the tests that boot a Debian"
	if os.Geteuid() != 0 {
		t.Fatal("booting a Debian takes root: sudo make test-systemd" + otherwise)
	}
	try := exec.CommandContext(t.Context(), "unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "true")
	if said, err := try.CombinedOutput(); err != nil {
		t.Fatalf("this machine lets its root make no namespaces, as containers do without CAP_SYS_ADMIN, so no Debian boots here: %v: %s%s",
			err, bytes.TrimSpace(said), otherwise)
	}
}

// notifications makes the socket by which a machine tells that it has booted:
// sd_notify(3), passed on by systemd-nspawn.
func notifications(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "imapvigil") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "notify")
	news, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	return news, socket
}

// What systemd-nspawn and a machine tell, see sd_notify(3).
var (
	leaderLine = regexp.MustCompile(`(?m)^X_NSPAWN_LEADER_PID=(\d+)$`)
	readyLine  = regexp.MustCompile(`(?m)^READY=1$`)
)

// readNews reads what a machine tells until it is switched off, since its first process stands still
// while nobody does. The channel gives its leader when it has booted.
func readNews(news *net.UnixConn) <-chan string {
	booted := make(chan string, 1)
	go func() {
		defer close(booted)
		var leader string
		for datagram := make([]byte, 4096); ; {
			n, err := news.Read(datagram)
			if err != nil {
				return // it is closed
			}
			if found := leaderLine.FindSubmatch(datagram[:n]); found != nil {
				leader = string(found[1])
			}
			if leader == "" || !readyLine.Match(datagram[:n]) {
				continue
			}
			select {
			case booted <- leader:
			default: // it says so after each reload, too
			}
		}
	}()
	return booted
}

// tellMore logs what may explain a failure.
func (m *machine) tellMore(console string) {
	if m.leader == "" {
		said, _ := os.ReadFile(console)
		m.t.Logf("its console:\n%s", last(string(said), 40))
		return
	}
	said, _ := m.try("journalctl", "--unit=imapvigil", "--unit=imapvigil-bus", "--no-pager", "--lines=60")
	m.t.Logf("the journal of the services:\n%s", said)
}

// try runs a program there and gives what it said and its exit status.
func (m *machine) try(args ...string) (string, int) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	enter := []string{"--target=" + m.leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"}
	c := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	c.WaitDelay = time.Second // what it has started may hold on to its output
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	if ctx.Err() != nil {
		m.t.Fatalf("%s did not end within %v:\n%s", strings.Join(args, " "), patience, said.String())
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		m.t.Fatal(err)
	}
	return strings.TrimSpace(said.String()), c.ProcessState.ExitCode()
}

// run is try for what must succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	said, code := m.try(args...)
	if code != 0 {
		m.t.Fatalf("%s ended with %d:\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// root is its file system, seen from here.
func (m *machine) root() string { return filepath.Join("/proc", m.leader, "root") }

// path is where one of its files is, seen from here.
func (m *machine) path(file string) string { return filepath.Join(m.root(), file) }

// write refuses what is a link: an absolute one would lead to a file of this machine.
func (m *machine) write(file, text string) {
	m.t.Helper()
	if info, err := os.Lstat(m.path(file)); err == nil && !info.Mode().IsRegular() {
		m.t.Fatalf("%s is no file, but %v", file, info.Mode())
	}
	if err := os.MkdirAll(filepath.Dir(m.path(file)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	write(m.t, m.path(file), text, 0o644)
}

// exists follows no link: links there lead astray here.
func (m *machine) exists(file string) bool {
	_, err := os.Lstat(m.path(file))
	return err == nil
}

// modes holds files and directories against "mode owner:group".
func (m *machine) modes(want map[string]string) {
	m.t.Helper()
	for file, want := range want {
		if got := m.run("stat", "--format=%a %U:%G", file); got != want {
			m.t.Errorf("%s is %s, not %s", file, got, want)
		}
	}
}

// property is one of the service, as systemctl show has it.
func (m *machine) property(name string) string {
	m.t.Helper()
	return m.run("systemctl", "show", "--property="+name, "--value", "imapvigil")
}

// moment is a property that is a time, in microseconds.
func (m *machine) moment(name string) time.Duration {
	m.t.Helper()
	usec, err := strconv.ParseInt(m.property(name+"Monotonic"), 10, 64)
	if err != nil {
		m.t.Fatal(err)
	}
	return time.Duration(usec) * time.Microsecond
}

// await looks until something holds; nothing there calls back.
func (m *machine) await(what string, holds func() bool) {
	m.t.Helper()
	await(m.t, patience, what, holds)
}
