// Package reconcile keeps one goroutine per key running with the value last
// applied.
//
// It owns those goroutines and nothing else. The set that ought to run goes in
// whole; Set compares it by value with what is running, and stops, replaces or
// starts only what differs. A key whose value is unchanged is not touched: its
// goroutine neither notices nor pauses, so a loop that keeps a schedule in local
// variables keeps that schedule through any number of reloads.
//
// It never decides what ought to run, never restarts anything by itself between
// two calls of Apply, and keeps no state for its goroutines: what must outlive
// one of them belongs to somebody else.
//
// A caller may rely on this:
//
//   - There are never two goroutines of one key at a time. A changed key is
//     cancelled, waited for, and only then started with its new value.
//   - All that must stop is cancelled before anything is waited for, so stopping
//     100,000 keys takes as long as the slowest of them, not as long as their sum.
//   - When Apply returns, everything it stopped has returned; when Close returns,
//     everything has.
//   - The goroutine adds one small frame below the function it runs. A function
//     that hands deep calls to short-lived goroutines of its own keeps the stack
//     it was born with (2 KiB), which is what lets 100,000 of them idle cheaply.
package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Set is a set of running goroutines, one per key. Make one with [New] and end
// it with [Set.Close]. Its methods may be called from any goroutine, one call
// takes effect after the other; but not from the function the Set runs, which
// would then wait for itself.
type Set[K comparable, V any] struct {
	run   func(ctx context.Context, key K, value V)
	equal func(a, b V) bool

	mu      sync.Mutex // held for the whole of Apply and Close
	running map[K]*task[V]
	closed  bool
}

// task is one goroutine and the value it was started with.
type task[V any] struct {
	value  V
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has returned
}

// Diff says what one Apply did. The keys are in no particular order; nil means
// none.
type Diff[K comparable] struct {
	Started   []K // were not running, now are
	Stopped   []K // were running, are no longer wanted
	Changed   []K // were running with another value, were stopped and started again
	Unchanged int // were running with the same value and were not touched
}

// New returns an empty Set whose goroutines each call run once.
//
// run is expected to go on until ctx ends and then to return soon, because
// Apply and Close wait for it. Two ways of doing otherwise are treated so that
// neither can leave a key unattended without anybody knowing:
//
//   - A run that returns early has ended, and the key is no longer running. It is
//     not started again at once, which would turn a mistake into a busy loop; the
//     next Apply that wants the key starts it and names it in Diff.Started.
//   - A run that panics takes the process down, as a panic in any goroutine does.
//     It is not recovered here: a key whose goroutine died quietly would look like
//     one that is fine. Recover inside run what is worth surviving.
//
// The values of K and V are compared with ==, so a V that holds an interface
// must hold comparable values in it.
func New[K, V comparable](run func(ctx context.Context, key K, value V)) *Set[K, V] {
	return NewFunc(func(a, b V) bool { return a == b }, run)
}

// NewFunc is New for values that equal compares, such as pointers to what is too
// large to be kept once more for each key. What they point to must not change
// while it is given to a Set.
func NewFunc[K comparable, V any](equal func(a, b V) bool, run func(ctx context.Context, key K, value V)) *Set[K, V] {
	return &Set[K, V]{run: run, equal: equal, running: make(map[K]*task[V])}
}

// Apply makes the running set equal to want and says what that took. It blocks
// until everything it stopped has returned. want is not retained.
//
// After Close it does nothing and returns the zero Diff: a reload that arrives
// while the daemon is shutting down is ordinary, and must not start anything.
func (s *Set[K, V]) Apply(want map[K]V) Diff[K] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Diff[K]{}
	}
	diff := s.compareWanted(want)
	// Before anything is started: a changed key must not run twice.
	s.stopTasks(slices.Concat(diff.Stopped, diff.Changed))
	for _, key := range slices.Concat(diff.Changed, diff.Started) {
		s.startTask(key, want[key])
	}
	return diff
}

// Close stops every goroutine and returns when all have. Further calls, also
// concurrent ones, return when that is done.
func (s *Set[K, V]) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.stopTasks(slices.Collect(maps.Keys(s.running)))
}

// compareWanted compares what runs with want. It forgets tasks that ended by themselves
// and has no other effect, so that a comparison which panics (a V holding an uncomparable
// value) leaves everything running as it was.
func (s *Set[K, V]) compareWanted(want map[K]V) Diff[K] {
	var diff Diff[K]
	for key, t := range s.running {
		value, wanted := want[key]
		switch {
		case t.hasEnded():
			delete(s.running, key)
		case !wanted:
			diff.Stopped = append(diff.Stopped, key)
		case !s.equal(value, t.value):
			diff.Changed = append(diff.Changed, key)
		default:
			diff.Unchanged++
		}
	}
	for key := range want {
		if _, running := s.running[key]; !running {
			diff.Started = append(diff.Started, key)
		}
	}
	return diff
}

func (s *Set[K, V]) startTask(key K, value V) {
	// Not derived from a context of the Set: a common parent would keep a map of
	// all its children, and stopping goes key by key anyway.
	ctx, cancel := context.WithCancel(context.Background())
	t := &task[V]{value: value, cancel: cancel, done: make(chan struct{})}
	s.running[key] = t
	go func() {
		defer close(t.done)
		defer cancel() // ends what run derived from ctx, should run return early
		s.run(ctx, key, value)
	}()
}

// stopTasks cancels all of keys before it waits for the first.
func (s *Set[K, V]) stopTasks(keys []K) {
	for _, key := range keys {
		s.running[key].cancel()
	}
	for _, key := range keys {
		<-s.running[key].done
		delete(s.running, key)
	}
}

func (t *task[V]) hasEnded() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}
