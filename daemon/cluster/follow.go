package cluster

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

const (
	// lookPause is how often a node looks whether it is its turn to decide.
	lookPause = 100 * time.Millisecond
	// failedPause is how long a node whose attempt to take over failed lets others try.
	failedPause = 2 * time.Second
	// latePause is the pause of a node whose standby or whose turn has become another one meanwhile.
	latePause = 500 * time.Millisecond
	// comparePause is how often a copy is compared with the journal at most, because of what others say.
	comparePause = 10 * time.Second
)

// followOrDecide follows whoever decides, decides when that is the turn of this node, and follows
// again, until ctx ends.
func (n *Node) followOrDecide(ctx context.Context) error {
	n.copy.Expect(1) // a new copy lacks everything, also while nobody decides
	for n.follow(ctx) {
		term, err := n.takeOver(ctx)
		n.noteJournal(err)
		switch {
		case err == nil:
			n.decide(ctx, term)
		case errors.Is(err, errTooLate):
			pause(ctx, latePause)
		default:
			pause(ctx, failedPause)
		}
	}
	return nil
}

// follow keeps a standby on the copy of the journal until it is the turn of this node to decide, or
// until ctx ends: then it returns false.
func (n *Node) follow(ctx context.Context) (myTurn bool) {
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	var compared time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case answer := <-n.stepDown:
			close(answer) // it does not decide
			continue
		case <-ticker.C:
		}
		if n.stale.Swap(false) || n.sharedTracker().hasEnded() {
			if err := n.renewShared(ctx); err != nil && !pause(ctx, failedPause) {
				return false
			}
		}
		now := time.Now()
		if n.doubted.Swap(false) && now.Sub(compared) >= comparePause {
			compared = now
			n.noteJournal(n.catchUp(ctx))
		}
		if n.isMyTurn(now) {
			return true
		}
	}
}

// isMyTurn reports whether this node is to take over now.
func (n *Node) isMyTurn(now time.Time) bool {
	lost := n.copy.Lost() != nil
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hearing.lost = lost
	return n.canDecide() && !now.Before(n.restUntil) && n.hearing.mayTakeOver(n.cfg.Cluster.Nodes, now)
}

// noteJournal keeps what is wrong with the shared journal; nil: nothing.
func (n *Node) noteJournal(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, errTooLate) {
		err = nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	text := n.journalSentence(err)
	if text != "" && text != n.journal && !errors.Is(err, bus.ErrCut) {
		n.Log.Warn("the journal of the cluster", zap.Error(errors.New(text)))
	}
	n.journal, n.unmade = text, errors.Is(err, bus.ErrNoStream)
}

// journalSentence returns, for an error of the shared journal, a sentence that says what is wrong and what to do
// about it. It is empty for nil.
func (n *Node) journalSentence(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, bus.ErrNoStream) && n.someoneHoldsJournal():
		return "The NATS servers do not have the shared journal, so no node decides for all. " +
			"If they are new, or their disks were lost, run imapvigil nodes begin on the node whose copy " +
			"goes furthest: see JOURNAL in imapvigil nodes."
	case errors.Is(err, bus.ErrNoStream):
		return "There is no shared journal yet, so no node decides for all. " +
			"Run sudo imapvigil nodes begin, once, on one node."
	case errors.Is(err, context.DeadlineExceeded):
		return "The NATS servers do not answer for the shared journal, so no node decides for all. " +
			"It takes most of them: see that imapvigil-bus runs on each of their machines."
	}
	return asSentence(err.Error())
}

// someoneHoldsJournal reports whether this node, or another one that was heard, has a copy of the shared journal.
func (n *Node) someoneHoldsJournal() bool {
	for _, h := range n.hearing.nodes {
		if h.Place > 0 {
			return true
		}
	}
	return n.copy.Place() > 0
}

// pause waits, and returns false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
