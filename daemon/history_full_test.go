//go:build !quick

package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/history"
)

// fullDisk is set, in the process that may mount a disk of its own, to where that is to be.
const fullDisk = "DAEMON_TEST_FULL_DISK"

const mountRefused = "mounting is not allowed"

// A history on a disk that is full, for real, changes no alarm either.
func TestAlarmsAreTheSameWhenTheDiskOfTheHistoryIsFull(t *testing.T) {
	if dir, child := os.LookupEnv(fullDisk); child {
		withFullHistory(t, dir)
		return
	}
	dir := t.TempDir()
	run := func(namespaces uintptr) ([]byte, error) {
		c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), fullDisk+"="+dir)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
		if namespaces&syscall.CLONE_NEWUSER != 0 {
			c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		return c.CombinedOutput()
	}
	out, err := run(syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte(mountRefused)) {
		out, err = run(syscall.CLONE_NEWNS)
	}
	if err != nil {
		t.Errorf("%v (this test needs root, or user namespaces for everybody)\n%s", err, out)
	}
}

// withFullHistory compares what is journaled without a history with what is while that has no room.
func withFullHistory(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(mountRefused, err)
	}
	rest, err := os.Create(filepath.Join(dir, "rest"))
	for chunk := make([]byte, 4096); err == nil; {
		_, err = rest.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	var full *history.Store
	got := playAlarms(t, func(_ *testing.T, m *monitor) func(context.Context) error {
		run := m.useHistory(history.Options{Path: filepath.Join(dir, "history.db"), Changes: m.changedIncidents, Log: m.logHistory})
		full = m.history
		return run
	})
	if h := full.Health(); h.Writable || h.Error == "" {
		t.Errorf("the disk is not full: %+v", h)
	}
	if want := playAlarms(t, nil); got != want {
		t.Errorf("on a full disk it went\n%s\nand without a history\n%s", got, want)
	}
}
