//go:build !quick

package watch

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// However the events of a storm were lost or coalesced, the last look comes after
// its end.
func TestStormOfFiles(t *testing.T) {
	root := t.TempDir()
	do(t, root, "mkdir conf")
	w := start(t, New(Options{Path: root + "/conf", Quiet: quiet, Poll: never}))
	for i := range 12_000 {
		if err := os.WriteFile(fmt.Sprintf("%s/conf/%d.hcl", root, i), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	awaitView(t, w)
}

// What the process and the kernel hold at the end is what they held at the
// beginning, also of directories that live on under another name, whose watches
// nothing removes by itself.
func TestNothingGrows(t *testing.T) {
	for _, c := range []struct {
		name, before, cycle string
		cycles              int
	}{
		{
			"recreated", "write conf/a/x.hcl 1; write conf/x.hcl 1",
			"rm conf; write conf/a/x.hcl N; write conf/x.hcl N",
			1000,
		},
		{
			"swapped, and the old one stays", "write conf/a/b/x.hcl 1; write other/a/b/x.hcl 1",
			"mv conf swap; mv other conf; mv swap other; write conf/a/b/x.hcl N",
			100,
		},
		{
			"relinked", "write one/a/x.hcl 1; write two/a/x.hcl 1; ln one conf",
			"write two/a/x.hcl N; ln two conf; mv one swap; mv two one; mv swap two; ln one conf",
			100,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			do(t, root, c.before)
			w := start(t, New(Options{Path: root + "/conf", Quiet: 1, Poll: never}))
			early := hold(t)
			for n := range c.cycles {
				do(t, root, strings.ReplaceAll(c.cycle, "N", fmt.Sprint(n)))
				awaitView(t, w)
				if n < 20 {
					early = early.most(hold(t)) // between two sessions it is less
				}
			}
			awaitHold(t, w, early)
		})
	}
}

// awaitHold waits until no more is held than early. What was held by a session
// goes without a word when its goroutines have ended; a signal that nobody takes
// may be in the way of it.
func awaitHold(t *testing.T, w *Watcher, early holdings) {
	t.Helper()
	limit := time.After(deadline)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for late := hold(t); late != late.least(early); late = hold(t) {
		select {
		case <-w.C():
		case <-again.C:
		case <-limit:
			stacks := make([]byte, 1<<20)
			t.Fatalf("late %+v, early %+v\n%s", late, early, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

type holdings struct{ goroutines, descriptors, watches int }

func (h holdings) most(o holdings) holdings {
	return holdings{max(h.goroutines, o.goroutines), max(h.descriptors, o.descriptors), max(h.watches, o.watches)}
}

func (h holdings) least(o holdings) holdings {
	return holdings{min(h.goroutines, o.goroutines), min(h.descriptors, o.descriptors), min(h.watches, o.watches)}
}

func hold(t *testing.T) holdings {
	t.Helper()
	h := holdings{goroutines: runtime.NumGoroutine()}
	fds, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	h.descriptors = len(fds)
	for _, fd := range fds {
		f, err := os.Open(fd)
		if err != nil {
			continue // the descriptor that listed the others
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "inotify ") {
				h.watches++
			}
		}
		_ = f.Close()
	}
	return h
}

// BenchmarkRenew is what the watcher itself costs at every signal and every poll,
// before anybody reads a file: the watches of the session before taken away, and
// made anew in a tree of 400 customers with 25 files each.
func BenchmarkRenew(b *testing.B) {
	root := b.TempDir()
	for customer := range 400 {
		for file := range 25 {
			do(b, root, fmt.Sprintf("write conf/%d/%d.hcl x", customer, file))
		}
	}
	w := New(Options{Path: root + "/conf", Poll: never})
	defer w.endSession()
	for b.Loop() {
		w.renewSession(b.Context())
	}
}
