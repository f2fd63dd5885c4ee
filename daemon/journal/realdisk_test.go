package journal

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// scarce is set in the process that has a disk of its own: to the directory where
// a tmpfs is to be mounted, or to "" if files may not grow (setrlimit(2)).
const scarce = "JOURNAL_TEST_SCARCE_DISK"

// The faults of the other tests are made up; here the kernel says no: in a
// process of its own with a tmpfs of 64 KiB, or, where that is not allowed, with
// a limit on the size of files.
func TestARealDiskThatIsFull(t *testing.T) {
	if dir, child := os.LookupEnv(scarce); child {
		onScarceDisk(t, dir)
		return
	}
	run := func(dir string, attr *syscall.SysProcAttr) ([]byte, error) {
		c := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), scarce+"="+dir)
		c.SysProcAttr = attr
		return c.CombinedOutput()
	}
	out, err := run(t.TempDir(), &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte(noMount)) {
		t.Logf("no namespaces here, limiting files instead: %v", err)
		out, err = run("", nil)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

const noMount = "mounting is not allowed"

func onScarceDisk(t *testing.T, dir string) {
	dir, fill, free := scarceDisk(t, dir)
	j := mustOpen(t, dir, Options{})
	mustAppend(t, j, recs(1, 5)...)
	fill()
	n := 5
	for err := error(nil); err == nil && n < 1000; { // the last page has some room
		n++
		if err = j.Append(rec(n)); err != nil && !errors.Is(err, ErrNotDurable) {
			t.Fatal(err)
		}
	}
	if err := j.Append(rec(n + 1)); !errors.Is(err, ErrNotDurable) {
		t.Errorf("Append: %v", err)
	}
	<-j.Changed()
	wantDurable(t, j, false, uint64(n+1))
	free()
	<-j.Changed()
	wantDurable(t, j, true, uint64(n+1))
	mustClose(t, j)
	want(t, collect(t, Read(dir)), numbered(1, n+1))
}

// scarceDisk gives a directory for a journal and what makes its disk full and
// takes the burden away again.
func scarceDisk(t *testing.T, mount string) (dir string, fill, free func()) {
	if mount == "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := func(bytes uint64) {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: 1 << 30}); err != nil {
				t.Fatal(err)
			}
		}
		return t.TempDir(), func() { limit(100) }, func() { limit(1 << 30) }
	}
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("%s: %v", noMount, err)
	}
	ballast := filepath.Join(mount, "ballast")
	fill = func() {
		if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
	}
	return filepath.Join(mount, "journal"), fill, func() { os.Remove(ballast) }
}
