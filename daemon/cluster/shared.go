package cluster

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A sharedTracker is a tracker on the shared journal and the goroutine that runs it.
type sharedTracker struct {
	*tracker.Tracker
	stop  context.CancelFunc // nil: it does not run yet
	ended chan struct{}      // closed when Run has returned
	err   error              // that of Run, once ended is closed
}

// hasEnded reports whether Run has returned.
func (s *sharedTracker) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// A standbyFeed gives the records that are copied to the shared tracker, each once, also while one tracker
// takes the place of another.
type standbyFeed struct {
	mu      sync.Mutex
	to      *tracker.Tracker // nil: one is being opened
	waiting []journal.Record // for the one that is being opened
}

// fold takes records that were copied.
func (f *standbyFeed) fold(records []journal.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.to == nil {
		f.waiting = append(f.waiting, records...)
		return
	}
	f.to.Fold(records)
}

// close keeps what is copied from now on.
func (f *standbyFeed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to, f.waiting = nil, nil
}

// replayed notes that what was copied until now is replayed.
func (f *standbyFeed) replayed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = nil
}

// open gives everything to a tracker that has replayed the copy.
func (f *standbyFeed) open(to *tracker.Tracker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
	if len(f.waiting) > 0 {
		to.Fold(f.waiting)
	}
	f.waiting = nil
}

// A replayedCopy is a copy that says when it begins to be replayed: from then on what is copied is
// not replayed, but folded.
type replayedCopy struct {
	*stream.Copy
	node *Node
}

// Replay implements [tracker.Journal].
func (c replayedCopy) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		begun := false
		for r, err := range c.Copy.Replay() {
			if !begun {
				c.node.feed.replayed() // nothing is given out while somebody replays
				begun = true
			}
			if r.Kind == stream.KindRebase {
				c.node.noteRebase(r.At)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// noteRebase notes when a node wrote the whole state into a journal that had lost records.
func (n *Node) noteRebase(at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rebased = at
}

// openShared opens a standby on the copy of the shared journal, in the place of the one that has
// ended.
func (n *Node) openShared() error {
	n.feed.close()
	t, err := n.OpenShared(replayedCopy{n.copy, n})
	if err != nil {
		return fmt.Errorf("opening the incidents that the nodes share: %w", err)
	}
	n.mu.Lock()
	n.shared = &sharedTracker{Tracker: t, ended: make(chan struct{})}
	n.mu.Unlock()
	n.feed.open(t)
	return nil
}

// runShared runs the shared tracker, and gives it the configuration in force. It does not end with
// ctx, but with endShared.
func (n *Node) runShared(ctx context.Context) {
	n.mu.Lock()
	s := n.shared
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.running = true // from now on Configure gives it what comes
	n.mu.Unlock()
	go func() { // the shared tracker; endShared waits for it
		defer close(s.ended)
		s.err = s.Run(ctx)
	}()
	// A reload at the same time must not be overtaken by what was in force before it.
	n.configuring.Lock()
	defer n.configuring.Unlock()
	n.mu.Lock()
	cfg := n.cfg
	n.mu.Unlock()
	if cfg != noFiles {
		_ = s.Configure(ctx, cfg) // it fails when the tracker has ended, which is noticed elsewhere
	}
}

// endShared has the shared tracker journal what is queued and end, and waits for it.
func (n *Node) endShared() error {
	s := n.sharedTracker()
	s.stop()
	<-s.ended
	return s.err
}

// renewShared puts a new standby in the place of the shared tracker, which holds what the journal
// does not say.
func (n *Node) renewShared(ctx context.Context) error {
	_ = n.endShared() // it is known
	err := n.openShared()
	n.noteOpening(err)
	if err == nil {
		n.runShared(ctx)
	}
	return err
}

// noteOpening notes whether a standby could be opened. A node without one must not decide: it would tell nobody
// anything, while the others hear that somebody decides.
func (n *Node) noteOpening(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	n.mu.Lock()
	was := n.unopened
	n.unopened = text
	n.mu.Unlock()
	if text != "" && text != was {
		n.Log.Error("this node cannot follow, and tries again", zap.Error(err))
	}
}

func (n *Node) sharedTracker() *sharedTracker {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shared
}
