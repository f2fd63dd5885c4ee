//go:build !quick

package history

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// scarce is set, in the process that has a disk of its own, to the directory where a tmpfs is to
// be mounted, or to "" if files may not grow (setrlimit(2)).
const scarce = "HISTORY_TEST_SCARCE_DISK"

const noMount = "mounting is not allowed"

// The kernel itself says no, in the middle of a write: a tmpfs that is full, and files that may not
// grow, of which writes are short before they fail. What was written can be read meanwhile, and
// when there is room again all goes on.
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
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || bytes.Contains(out, []byte(noMount)):
		t.Logf("no namespaces here, limiting files only: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := run("", nil); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// onScarceDisk fills the disk of a history that is written, and makes room again.
func onScarceDisk(t *testing.T, dir string) {
	t.Helper()
	d := &drive{tb: t, path: filepath.Join(t.TempDir(), "history.db"), now: newYear}
	var fill, free func()
	words := "the disk is full"
	if dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
			t.Fatal(noMount, err)
		}
		d.path = filepath.Join(dir, "history.db")
		rest := filepath.Join(dir, "rest")
		fill = func() {
			f, err := os.Create(rest)
			for chunk := make([]byte, 4096); err == nil; {
				_, err = f.Write(chunk)
			}
			_ = f.Close()
		}
		free = func() { _ = os.Remove(rest) }
	} else {
		signal.Ignore(syscall.SIGXFSZ)
		words = "the disk fails"
		limit := func(n uint64) {
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: 1 << 40}); err != nil {
				t.Fatal(err)
			}
		}
		fill = func() {
			info, err := os.Stat(d.path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			limit(uint64(info.Size()) + 6000) // in the middle of a page
		}
		free = func() { limit(1 << 40) }
	}
	d.start()
	defer d.crash()
	d.hourOfProbes()
	before := d.probes("a")
	fill()
	var err error
	fed := 0
	for err == nil && fed < 2000 {
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
		d.now = d.now.Add(time.Second)
		fed++
		err = d.round()
	}
	if err == nil {
		t.Fatal("the disk was never full")
	}
	if h := d.store.Health(); h.Writable || !strings.Contains(h.Error, words) {
		t.Errorf("%+v, want that %s", h, words)
	}
	if n := d.probes("a"); n < before || n >= before+fed {
		t.Errorf("%d probes are read from the full disk; %d before, %d since", n, before, fed)
	}
	free()
	d.now = d.now.Add(retryEvery)
	d.mustRound()
	if n := d.probes("a"); n != before+fed {
		t.Errorf("%d probes when there is room again, want %d", n, before+fed)
	}
	d.expectSound()
}

// expectSound has SQLite look at all of the file.
func (d *drive) expectSound() {
	d.tb.Helper()
	var said string
	if err := d.writer.db.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		d.tb.Errorf("SQLite says: %s %v", said, err)
	}
}

// killed is set, in a process that is to be killed, to the path of its history.
const killed = "HISTORY_TEST_KILLED"

// A process that writes is killed 200 times. Each time the file is sound, and of what was fed only
// the last batch may be missing; nothing is there twice.
func TestKilled200Times(t *testing.T) {
	if path, child := os.LookupEnv(killed); child {
		writeUntilKilled(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "history.db")
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	now, safe := newYear, 0 // when the last one was killed, and how many probes are in the file
	for round := range 200 {
		fed := killWriter(t, path, now, time.Duration(random.IntN(int(60*time.Millisecond))))
		d := &drive{tb: t, path: path, now: now.Add(time.Duration(fed.began) * time.Minute)}
		d.start()
		d.store.Use(configuration("a"))
		d.mustRound()
		d.expectSound()
		kept := d.probes("a") - safe
		if kept < fed.written || kept > fed.began || len(d.damagedFiles()) > 0 {
			t.Fatalf("round %d: %d probes were written and %d begun, and %d are kept", round, fed.written, fed.began, kept)
		}
		safe += kept
		now = d.now.Add(time.Minute)
		d.crash()
	}
	t.Logf("%d probes in 200 lives", safe)
}

// A lifetime is how far a process came before it was killed.
type lifetime struct{ began, written int }

// killWriter starts a process, kills it a while after it has written something, and returns how
// far it came.
func killWriter(t *testing.T, path string, now time.Time, after time.Duration) (fed lifetime) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^TestKilled200Times$")
	c.Env = append(os.Environ(), killed+"="+path, "HISTORY_TEST_NOW="+now.Format(time.RFC3339))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := out.Read(first); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	var said bytes.Buffer
	said.Write(first)
	_, _ = said.ReadFrom(out)
	_ = c.Wait()
	for _, letter := range said.String() {
		switch letter {
		case 'b':
			fed.began++
		case 'w':
			fed.written = fed.began
		}
	}
	return fed
}

// writeUntilKilled feeds a probe a minute and has each one written, as fast as it can.
func writeUntilKilled(t *testing.T, path string) {
	t.Helper()
	now, err := time.Parse(time.RFC3339, os.Getenv("HISTORY_TEST_NOW"))
	if err != nil {
		t.Fatal(err)
	}
	d := &drive{tb: t, path: path, now: now}
	d.start()
	d.store.Use(configuration("a"))
	for {
		fmt.Print("b")
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1", "192.0.2.2")
		d.now = d.now.Add(time.Minute)
		d.mustRound()
		fmt.Print("w")
	}
}
