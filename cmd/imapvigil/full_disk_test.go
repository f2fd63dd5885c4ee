//go:build !quick

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// ownDisk is set in the process that may mount a disk of its own.
const ownDisk = "IMAPVIGIL_TEST_OWN_DISK"

// The disk of the state directory is full, for real: a tmpfs of 1 MiB in a
// mount namespace of the test's own (mount_namespaces(7)). Alarms go on, status
// says so, and when there is room again everything is in the journal.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(ownDisk) != "" {
		t.Run("full later", onFullDisk)
		t.Run("full from the start", onDiskFullFromTheStart)
		return
	}
	out, err := withOwnMounts(t, syscall.CLONE_NEWNS|syscall.CLONE_NEWUSER)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte(noMount)) {
		out, err = withOwnMounts(t, syscall.CLONE_NEWNS)
	}
	if err != nil {
		t.Errorf("%v (this test needs root, or user namespaces for everybody)\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}

// withOwnMounts runs the test in a process of its own in new namespaces.
func withOwnMounts(t *testing.T, namespaces uintptr) ([]byte, error) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), ownDisk+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if namespaces&syscall.CLONE_NEWUSER != 0 {
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return c.CombinedOutput()
}

const noMount = "mounting is not allowed"

func onFullDisk(t *testing.T) {
	t.Helper()
	h := newFewServers(t, 20, "notification_role.tickets")
	ballast := h.mountState()
	h.start()
	h.awaitAll("ok")
	h.fill(ballast)
	h.fail()
	h.await("the journal to be not durable", patience, func() bool { return len(h.logged(notDurable)) > 0 })
	h.await("the status to say so", patience, func() bool { return !h.status().Journal.Durable }) // in a second, where there is nothing else to do
	h.awaitEvents(typeOpened, 1)
	if h.status().Journal.Durable {
		t.Error("the journal says that it is durable on a disk that is full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	h.await("the journal to be durable again", patience, func() bool { return h.status().Journal.Durable })
	h.recover()
	h.awaitEvents(typeClosed, 1)
	h.stop()
	h.verify(1)
	h.nothingMissing()
}

// onDiskFullFromTheStart has no room for the first record.
func onDiskFullFromTheStart(t *testing.T) {
	t.Helper()
	h := newFewServers(t, 20, "notification_role.tickets")
	ballast := h.mountState()
	h.fill(ballast)
	h.start()
	h.awaitAll("ok")
	h.fail()
	h.awaitEvents(typeOpened, 1)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	h.await("the journal to be durable", patience, func() bool { return h.status().Journal.Durable })
	h.recover()
	h.awaitEvents(typeClosed, 1)
	h.stop()
	h.verify(1)
	h.nothingMissing()
}

// mountState gives the state directory a small disk.
func (h *fewServers) mountState() (ballast string) {
	h.t.Helper()
	state := h.path("state")
	if err := os.Mkdir(state, 0o700); err != nil {
		h.t.Fatal(err)
	}
	err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), // nobody else sees what comes
		syscall.Mount("tmpfs", state, "tmpfs", 0, "size=1m"),
	)
	if err != nil {
		h.t.Fatalf("%s: %v", noMount, err)
	}
	h.t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
	return filepath.Join(state, "ballast")
}

// fill leaves no room on the disk.
func (h *fewServers) fill(ballast string) {
	h.t.Helper()
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		h.t.Fatalf("filling the disk: %v", err)
	}
}

const notDurable = "the journal is not durable; alarms go on from memory"

// nothingMissing: the journal has all that happened, on the full disk and after.
func (h *fewServers) nothingMissing() {
	h.t.Helper()
	checks := make([]config.CheckID, len(h.servers))
	for i, f := range h.servers {
		checks[i] = f.check
	}
	l := h.journalContents()
	for i, e := range l.entries {
		if e.Seq != uint64(i+1) {
			h.t.Fatalf("record %d stands where %d should", e.Seq, i+1)
		}
	}
	for _, kind := range []incident.Kind{incident.Failing, incident.Opened, incident.Recovering, incident.Closed} {
		if got := l.checksWith(kind); !slices.Equal(got, checks) {
			h.t.Errorf("%s: %v, want each of %v once", kind, got, checks)
		}
	}
	for _, notification := range l.notifications {
		if ends := l.ends(notification.Key); len(ends) != 1 {
			h.t.Errorf("notification %s has the ends %v", notification.Key, ends)
		}
	}
	if got, want := len(l.notifications), 2*len(checks); got != want {
		h.t.Errorf("%d messages are in the journal, want %d", got, want)
	}
}
