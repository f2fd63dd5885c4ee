// Package watch says when to look at the configuration again.
//
// It owns the file-system events and the slow poll that backs them up, and turns
// both into one signal: look again. It never opens a configuration file, never
// says what changed and never claims that anything did; an event from the kernel
// is only a hint, and so is the signal made of it. Whoever receives it reads
// everything and compares contents. Which files those are it knows from
// config/source, which reads them.
//
// A caller may rely on this:
//
//   - A change that a read of the configuration would see is signalled: by an
//     event after [Options.Quiet] without further ones, at the latest after
//     [Options.Max]; and, whatever the events say or fail to say, by the next
//     poll.
//   - Watches stand before the signal is given. What changes after a reader was
//     told to look leads to another signal.
//   - Directories are watched, never files, so nothing is lost when an editor, a
//     configuration management tool or a Kubernetes volume puts a new file, a new
//     directory or a new symbolic link in the place of the old one. For that, the
//     directories that lead to the path are watched too.
//   - Editor swap files, package manager leftovers and other names that are never
//     read make no signal.
//   - Running out of inotify watches or instances is not an error: the poll goes
//     on alone, [Options.Log] hears of it once, and [Watcher.Polling] says why for
//     as long as it lasts. Every poll tries again.
package watch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options say what to watch. Only Path is needed; the zero value of anything
// else is its default.
type Options struct {
	// Path is the configuration: a directory with everything below it, or one
	// file. It need not exist yet.
	Path string

	// Quiet is how long no event may come before a signal is given (200 ms): a
	// git checkout or an rsync is one change, not hundreds.
	Quiet time.Duration

	// Max is how long a first event may wait when the events do not end (2 s).
	Max time.Duration

	// Poll is the time between two looks that need no event (30 s): network file
	// systems report none, and the kernel drops some when too many come at once.
	Poll time.Duration

	// NoEvents leaves out file-system events altogether.
	NoEvents bool

	// Log hears when events stop being available, with the reason, and when they
	// are available again, with a nil error. It is called by Run's goroutine.
	Log func(msg string, err error)
}

// Watcher gives the signal. Make one with [New]; it works while [Watcher.Run]
// runs.
type Watcher struct {
	o     Options
	c     chan Reason
	hints chan Reason // events that matter, before debouncing

	// What Run's goroutine alone uses. open and add stand between this room and
	// the kernel's limits, so that a test can lower them.
	open    func() (*fsnotify.Watcher, error)
	add     func(*fsnotify.Watcher, string) error
	session *session // nil while there are no events

	mu      sync.Mutex
	also    []string
	trouble trouble
}

// New returns a Watcher that does nothing before Run.
func New(o Options) *Watcher {
	o.Quiet = cmp.Or(o.Quiet, 200*time.Millisecond)
	o.Max = cmp.Or(o.Max, 2*time.Second)
	o.Poll = cmp.Or(o.Poll, 30*time.Second)
	if o.Log == nil {
		o.Log = func(string, error) {}
	}
	w := &Watcher{
		o:     o,
		c:     make(chan Reason, 1),
		hints: make(chan Reason, 1),
		open:  fsnotify.NewWatcher,
		add:   (*fsnotify.Watcher).Add,
	}
	if o.NoEvents {
		w.trouble = trouble{text: "file-system events are switched off"}
	}
	return w
}

// C returns the channel of signals. It holds one: a signal not yet taken stands for
// all that follow it. It is never closed.
func (w *Watcher) C() <-chan Reason { return w.c }

// Also names the files outside the configuration's own that count as part of it
// (those that file, credential and ca_file name), in place of those named before.
// Each is noticed when it is written, replaced, removed or created, also through
// symbolic links. A set that differs from the one before leads to a signal once
// its watches stand, because a file may have changed since it was read; naming
// the same files again does not. Any goroutine may call it, also before Run.
func (w *Watcher) Also(paths []string) {
	sorted := slices.Compact(slices.Sorted(slices.Values(paths)))
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(sorted, w.also) {
		return
	}
	w.also = sorted
	offerReason(w.hints, Watching)
}

// Run watches until ctx ends, and then returns nil: no state of the file system
// makes it give up. Its first signal is [Watching]. Call it once.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.endSession()
	poll := time.NewTicker(w.o.Poll)
	defer poll.Stop()
	select {
	case <-w.hints: // of an Also before Run: the first signal covers it
	default:
	}
	for why := Watching; ctx.Err() == nil; {
		w.renewSession(ctx)
		// Only now, since what changes after the signal must find the watches set.
		offerReason(w.c, why)
		select {
		case <-ctx.Done():
		case <-poll.C:
			why = Poll
		case why = <-w.hints:
			why = awaitQuiet(ctx, w.hints, why, w.o.Quiet, w.o.Max)
		}
	}
	return nil
}

func (w *Watcher) alsoPaths() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.also // replaced, never changed
}
