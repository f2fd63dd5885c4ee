//go:build !quick

package watch

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// told is what the log heard; read it when the Watcher has given a later signal.
type told struct{ lines chan string }

func newTold() told { return told{make(chan string, 100)} }

func (l told) log(msg string, err error) {
	if err != nil {
		msg += ": " + err.Error()
	}
	l.lines <- msg
}

func (l told) any() bool { return len(l.lines) > 0 }

func (l told) all() (lines []string) {
	for len(l.lines) > 0 {
		lines = append(lines, <-l.lines)
	}
	return lines
}

const fastPoll = 2 * time.Millisecond

func awaitPolls(t *testing.T, w *Watcher, n int) {
	t.Helper()
	for n > 0 {
		if signal(t, w, deadline) == Poll {
			n--
		}
	}
}

func TestNoInotifyInstanceLeft(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	heard := newTold()
	root := t.TempDir()
	w := New(Options{Path: root, Quiet: quiet, Poll: fastPoll, Log: heard.log})
	w.open = func() (*fsnotify.Watcher, error) {
		if full.Load() {
			return nil, syscall.EMFILE
		}
		return fsnotify.NewWatcher()
	}
	checkLimit(t, start(t, w), heard, &full,
		"no file-system events: the limit of inotify instances or of open files is reached (raise sysctl fs.inotify.max_user_instances or LimitNOFILE=)")
}

func TestNoInotifyWatchLeft(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	heard := newTold()
	root := t.TempDir()
	do(t, root, "mkdir a; mkdir b/c; mkdir d")
	w := New(Options{Path: root, Quiet: quiet, Poll: fastPoll, Log: heard.log})
	w.add = func(k *fsnotify.Watcher, dir string) error {
		if full.Load() && strings.HasPrefix(dir, root+"/") {
			return syscall.ENOSPC
		}
		return k.Add(dir)
	}
	checkLimit(t, start(t, w), heard, &full,
		`"`+root+`/a" and 3 more cannot be watched: the limit of inotify watches is reached (raise sysctl fs.inotify.max_user_watches)`)
}

// checkLimit expects polling while full, events when it is so no longer, and each
// said once.
func checkLimit(t *testing.T, w *Watcher, heard told, full *atomic.Bool, why string) {
	t.Helper()
	awaitPolls(t, w, 5)
	if polling, got := w.Polling(); !polling || got != why {
		t.Errorf("Polling() = %v, %q, want %q", polling, got, why)
	}
	full.Store(false)
	awaitPolls(t, w, 5)
	if polling, got := w.Polling(); polling {
		t.Errorf("still polling: %s", got)
	}
	want := []string{
		"configuration changes may be noticed late: files are checked every 2ms: " + why,
		"configuration changes are noticed at once again",
	}
	if got := heard.all(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told %q, want %q", got, want)
	}
	for reason := Poll; reason != Events; reason = signal(t, w, deadline) {
		do(t, w.o.Path, "write b/c/x.hcl 1") // again, should a poll have come first
	}
}

func TestDirectoryThatMayNotBeReadIsNamed(t *testing.T) {
	root := t.TempDir()
	do(t, root, "mkdir a")
	w := New(Options{Path: root, Quiet: quiet, Poll: never})
	w.add = func(k *fsnotify.Watcher, dir string) error {
		if dir == root+"/a" {
			return syscall.EACCES // as for anybody but root
		}
		return k.Add(dir)
	}
	start(t, w)
	if _, why := w.Polling(); why != `"`+root+`/a" cannot be watched: permission denied` {
		t.Errorf("why: %q", why)
	}
}

// A directory may vanish between being seen and being watched; that is a change
// like others and no trouble.
func TestVanishedDirectoryIsNoTrouble(t *testing.T) {
	root := t.TempDir()
	do(t, root, "mkdir a; mkdir b")
	w := New(Options{Path: root, Quiet: quiet, Poll: never})
	w.add = func(k *fsnotify.Watcher, dir string) error {
		if dir == root+"/a" {
			do(t, root, "rm a")
		}
		return k.Add(dir)
	}
	start(t, w)
	if polling, why := w.Polling(); polling {
		t.Errorf("polling: %s", why)
	}
}

// A survey that is cut short by the end of Run has seen too little to say that
// all is well again.
func TestShutdownIsNoRecovery(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	heard := newTold()
	w := New(Options{Path: t.TempDir(), Poll: fastPoll, Log: heard.log})
	failed := false
	w.add = func(k *fsnotify.Watcher, dir string) error {
		if !failed {
			failed = true
			return syscall.ENOSPC
		}
		if heard.any() {
			cancel()
		}
		return nil
	}
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
	if got := heard.all(); len(got) != 1 {
		t.Errorf("told %q", got)
	}
}

// More happens than the kernel keeps, while nobody can take events from it.
func TestOverflow(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	queued, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	do(t, root, "write conf/a.hcl 1")
	// Quiet enough to take all events before it is over, on a busy machine too.
	w := start(t, New(Options{Path: root + "/conf", Quiet: 300 * time.Millisecond, Max: never, Poll: never}))

	w.session.scope.mu.Lock() // now no event can be judged
	a, b := filepath.Join(root, "conf/a.hcl"), filepath.Join(root, "conf/b.hcl")
	for range queued/4 + 4096 { // two renames of two events each, beyond what is being read
		if err := rename(a, b, a); err != nil {
			t.Error(err)
		}
	}
	do(t, root, "write conf/new/sub/c.hcl 1") // an event that is lost
	w.session.scope.mu.Unlock()

	for signal(t, w, deadline) != Overflow {
		continue // of the events before it
	}
	do(t, root, "write conf/new/sub/c.hcl 2")
	awaitView(t, w)
}

func rename(from string, to ...string) error {
	for _, next := range to {
		if err := os.Rename(from, next); err != nil {
			return err
		}
		from = next
	}
	return nil
}
