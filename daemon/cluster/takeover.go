package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// errTooLate is returned when another node has taken over meanwhile.
var errTooLate = errors.New("another node decides")

// takeOver has this node decide: it reads the journal to its end and appends, if that still is the
// end, that it begins. It returns the term, or errTooLate.
func (n *Node) takeOver(ctx context.Context) (term uint64, err error) {
	if err := n.catchUp(ctx); err != nil && n.copy.Lost() == nil {
		return 0, fmt.Errorf("reading what is missing: %w", err)
	}
	if !n.isMyTurn(time.Now()) || n.stale.Load() {
		return 0, errTooLate
	}
	if lost := n.copy.Lost(); lost != nil {
		term, err = n.rebase(ctx, lost)
	} else {
		term, err = n.copy.Begin(ctx)
	}
	switch {
	case errors.Is(err, journal.ErrReplaced):
		n.letOthersDecide(takeOverAfter) // another node was faster: this one waits as if it had heard its beat
		return 0, errTooLate
	case err != nil:
		return 0, fmt.Errorf("beginning to decide: %w", err)
	case n.stale.Load(): // meanwhile the standby has become another one's
		n.copy.End()
		return 0, errTooLate
	}
	n.mu.Lock()
	now := time.Now()
	n.term = term
	n.shrunk.noteTakeOver(n.hearing.beat.Checks, len(n.cfg.Checks), n.hearing.lacksMost(len(n.cfg.Checks)), now)
	n.hearing.begins(term)
	n.noteRole(now)
	n.mu.Unlock()
	n.sayThatItLives() // so that no other node tries to take over
	return term, nil
}

// letOthersDecide has this node let others decide for a while.
func (n *Node) letOthersDecide(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.restUntil = time.Now().Add(d)
}

// rebase begins to decide above a stream that has lost what this node holds, with the whole state. A
// stream that is gone is not made anew: nobody knows whether it is another cluster's.
func (n *Node) rebase(ctx context.Context, lost error) (term uint64, err error) {
	if errors.Is(lost, bus.ErrNoStream) {
		return 0, lost
	}
	n.setRebasing(true)
	n.sayThatItLives()         // others wait
	defer n.setRebasing(false) // which they hear together with the first beat
	n.stale.Store(true)        // unless it decides now, this has replayed what the standby does not know
	var state []journal.Record // all of it, or none
	for r, err := range n.copy.Replay() {
		if err != nil {
			return 0, err
		}
		state = append(state, r)
	}
	if !n.isMyTurn(time.Now()) {
		return 0, errTooLate
	}
	if term, err = n.copy.Rebase(ctx, slices.Values(state)); err != nil {
		return 0, err
	}
	n.stale.Store(false)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rebased = time.Now()
	return term, nil
}

// setRebasing notes whether this node writes the whole state into the journal.
func (n *Node) setRebasing(rebasing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rebasing = rebasing
}

// catchUpTime is how long reading what is missing in the copy may take.
const catchUpTime = 10 * time.Second

func (n *Node) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	return n.copy.CatchUp(ctx)
}

// An ending is why a node decides no longer.
type ending string

const (
	asked    ending = "it was asked to stop"
	unsent   ending = "messages do not leave it"
	barred   ending = "its files no longer let it decide"
	wrong    ending = "its clock differs from those of the other nodes"
	deaf     ending = "its own messages no longer come back to it from the bus"
	replaced ending = "another node decides"
)

// isWanted reports whether the node stops of its own accord: it journals what is queued, and says goodbye.
func (e ending) isWanted() bool { return e == asked || e == unsent || e == barred || e == wrong }

// awaitEnd waits until this node may decide no longer, and returns why, and whom to tell that it does
// not; nil: nobody.
func (d *decider) awaitEnd(ctx context.Context) (why ending, tell chan struct{}) {
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return asked, nil
		case tell := <-d.stepDown:
			return asked, tell
		case <-d.aside:
			return unsent, nil
		case <-d.tracker.ended:
			return replaced, nil
		case <-d.refused:
			return replaced, nil
		case now := <-ticker.C:
			if why := d.mustStop(now); why != "" {
				return why, nil
			}
		}
	}
}

// mustStop returns why this node must not go on deciding; empty: it may.
func (d *decider) mustStop(now time.Time) ending {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.hearing.hasWrongClock(d.Node.cfg.Cluster.Nodes, now) {
		d.clockRight = now
	}
	switch {
	case !d.mayDecide(): // it hears no other node any more, and would take all for silent
		return barred
	case d.NeverStepDown:
		return ""
	// Whoever is heard with a clock that is right is to decide: that of the decider is the incidents'.
	case now.Sub(d.clockRight) >= faultTime && d.hearing.othersMayDecide(d.Node.cfg.Cluster.Nodes, now):
		return wrong
	case d.hearing.beat.Term > d.began, d.copy.Ended() != nil:
		return replaced
	case d.hearing.deafFor(now) >= deafAfter:
		return deaf
	}
	return ""
}

// journalPause is how often a decider that appends nothing looks whether the journal is still its own.
const journalPause = 10 * time.Second

// watchJournal looks now and then whether somebody else has appended to the journal, until ctx ends: a
// decider that hears nothing of its successor, and has nothing to append, would go on for ever.
// One that nobody answers for ends the term, too: nodes that hear a decider are never alone.
func (d *decider) watchJournal(ctx context.Context) {
	_ = clock.Repeat(ctx, journalPause, func() {
		asking, cancel := context.WithTimeout(ctx, journalPause)
		defer cancel()
		_, last, err := d.Bus.Stream().Ends(asking)
		if err == nil && last == d.copy.Place() && d.copy.Ended() == nil || errors.Is(err, bus.ErrCut) || ctx.Err() != nil {
			return
		}
		// It appends something, and is refused if another node decides, or nobody answers for that either.
		if err := d.copy.Sure(ctx); errors.Is(err, journal.ErrReplaced) {
			select {
			case d.refused <- struct{}{}:
			default: // it is known already
			}
		}
	})
}

const (
	// goodbyeTime is how long what is queued may take to be journaled when this node stops deciding.
	goodbyeTime = 3 * time.Second
	// restTime is how long a node that was asked to stop lets others decide.
	restTime = 10 * time.Second
)

// finishTime is how long what is being sent may take when this node stops deciding: else another one would
// send it again.
const finishTime = 2 * time.Second

// finishAttempts waits for what is being sent.
func (d *decider) finishAttempts(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	_ = d.tracker.Finish(ctx) // what takes longer is sent again, under the same key
}

// end ends the term. Who was asked to stop journals what is queued, and says goodbye.
func (d *decider) end(ctx context.Context, why ending) {
	err := errors.New(string(why))
	if why.isWanted() {
		d.finishAttempts(ctx)
		// The journal may not answer; then it is as if the node had been killed.
		giveUp := time.AfterFunc(goodbyeTime, d.copy.End)
		err = d.endShared()
		giveUp.Stop()
	}
	d.copy.End()
	if !why.isWanted() {
		_ = d.endShared() // it is known why
	}
	d.mu.Lock()
	now := time.Now()
	goodbye := d.ownBeat()
	goodbye.Bye = true
	d.term = 0
	d.noteRole(now)
	if why.isWanted() {
		d.restUntil = now.Add(restTime)
	}
	d.mu.Unlock()
	if why.isWanted() && err == nil {
		_ = d.Bus.Publish(bus.Beat, encode(goodbye))
	}
	d.Log.Info("this node decides no longer", zap.String("why", string(why)), zap.Uint64("term", d.began))
	if ctx.Err() == nil {
		_ = d.renewShared(ctx) // what it fails with is logged, and follow tries again
	}
}

// StepDown has this node stop deciding: what is queued is journaled, and another node takes over at
// once. It returns when this node no longer decides, or ErrNotDeciding.
func (n *Node) StepDown(ctx context.Context) error {
	if n.Role() != Deciding {
		return ErrNotDeciding
	}
	done := make(chan struct{})
	select {
	case n.stepDown <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
