//go:build systemd

package packaging_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A machine is a Debian that was booted for one test, with systemd as its first
// process and a network of its own that leads nowhere. What is written there is
// gone with it.
type machine struct {
	t      *testing.T
	leader string // the process id, here, of its first process
}

// boot starts a machine of a Debian release.
func boot(t *testing.T, release string) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("booting a Debian takes root: sudo make test-systemd")
	}
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	nspawn := exec.CommandContext(ctx, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
		"--volatile=overlay", "--console=read-only", "--directory="+installed(t, release), "--boot")
	// systemd 257 boots under no older hierarchy, which the host may have.
	nspawn.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	nspawn.Stdout, nspawn.Stderr = console, console
	nspawn.Cancel = func() error { return nspawn.Process.Signal(syscall.SIGTERM) } // powers it off
	nspawn.WaitDelay = 30 * time.Second
	if err := nspawn.Start(); err != nil {
		end()
		t.Fatalf("%v; on Debian, systemd-container has it", err)
	}
	m := &machine{t: t}
	t.Cleanup(func() {
		if t.Failed() && m.leader != "" {
			said, _ := m.try("journalctl", "--unit=imapvigil", "--no-pager", "--lines=40")
			t.Log(said)
		}
		end()
		_ = nspawn.Wait()
		_ = console.Close()
	})
	m.await("the machine has booted", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", nspawn.Process.Pid))
		m.leader = strings.TrimSpace(string(children))
		said, _ := m.try("systemctl", "is-system-running")
		return m.leader != "" && said == "running"
	})
	return m
}

// installed gives the directory of a Debian, and installs it if this has not
// been done before.
func installed(t *testing.T, release string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "imapvigil", release)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), release+".")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(fresh) })
	if err := os.Chmod(fresh, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, "debootstrap", "--variant=minbase", "--include=ca-certificates,dbus,python3-apt,systemd-sysv,tzdata", release, fresh)
	write(t, filepath.Join(fresh, "etc/machine-id"), "", 0o444) // each boot makes one (machine-id(5))
	if err := os.Rename(fresh, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// try runs a program there and gives what it said and its exit status.
func (m *machine) try(args ...string) (string, int) {
	m.t.Helper()
	enter := []string{"--target=" + m.leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"}
	c := exec.Command("nsenter", append(enter, args...)...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
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

// path is where one of its files is, seen from here.
func (m *machine) path(file string) string { return filepath.Join("/proc", m.leader, "root", file) }

func (m *machine) write(file, text string) {
	m.t.Helper()
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
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-look.C {
		if time.Now().After(end) {
			m.t.Fatalf("a minute has passed, and not yet: %s", what)
		}
	}
}
