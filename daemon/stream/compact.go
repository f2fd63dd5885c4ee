package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// CompactAt is how large the stream grows, in bytes after the last whole state, before the decider
// appends its whole state: what Size is compared with.
const CompactAt = 64 << 20

// compactWait is how long Compact waits for what it has begun: a small state is there by then, and an alarm that comes
// meanwhile does not wait for a large one.
const compactWait = 100 * time.Millisecond

var errCompacting = errors.New("the compaction before this one is not done")

// A wholeSending is the whole state on its way into the stream.
type wholeSending struct {
	bodies []body
	era    string // from the last part on; empty: that of the term
	done   chan error
}

// Compact appends the whole state to the stream, of which all copies then drop what is before. It
// must be called where Append is called. All of state is read and its first part is appended before
// Compact returns; the rest is appended in the background, one message between those of Append,
// so that no alarm waits for it. Compact waits for that for a tenth of a second; then its error is
// journal.ErrNotDurable. After any error what is in the stream is as good as before.
func (c *Copy) Compact(state iter.Seq[journal.Record]) error {
	t, err := c.deciding(context.Background())
	if err != nil {
		return fmt.Errorf("compacting the shared journal: %w", err)
	}
	w, err := c.beginWhole(t, state)
	if err == nil {
		c.keeper.Go(func() { c.finishWhole(t, w) })
	}
	c.giveTurn()
	if err != nil {
		return fmt.Errorf("compacting the shared journal: %w", err)
	}
	wait := time.NewTimer(compactWait)
	defer wait.Stop()
	select {
	case err = <-w.done:
	case <-wait.C:
		err = fmt.Errorf("%w: it goes on in the background", journal.ErrNotDurable)
	}
	if err != nil {
		return fmt.Errorf("compacting the shared journal: %w", err)
	}
	return nil
}

// beginWhole appends the first part of the whole state. The turn is held.
func (c *Copy) beginWhole(t *term, state iter.Seq[journal.Record]) (*wholeSending, error) {
	if t.whole != nil {
		return nil, errCompacting
	}
	bodies, err := splitWhole(note{Node: c.Node, Term: t.number}.record(kindWhole), state)
	if err != nil {
		return nil, err
	}
	w := &wholeSending{bodies: bodies, done: make(chan error, 1)}
	if err := c.sendPart(context.Background(), t, w, 0); err != nil {
		return nil, err
	}
	t.whole = w
	return w, nil
}

// splitWhole returns the messages of a whole state.
func splitWhole(head journal.Record, state iter.Seq[journal.Record]) ([]body, error) {
	s := splitter{now: time.Now()}
	if err := s.add(head); err != nil {
		return nil, err
	}
	s.finish() // the first is small, since an alarm may wait for it
	for r := range state {
		if err := s.add(r); err != nil {
			return nil, err
		}
	}
	return s.finish(), nil
}

// sendPart appends one part of a whole state.
func (c *Copy) sendPart(ctx context.Context, t *term, w *wholeSending, i int) error {
	e := envelope{Whole: &part{N: i + 1, Of: len(w.bodies)}}
	if i+1 == len(w.bodies) {
		e.Era = w.era
	}
	return c.send(ctx, t, e, w.bodies[i])
}

// finishWhole appends the other parts, and removes from the stream what the state replaces.
func (c *Copy) finishWhole(t *term, w *wholeSending) {
	err := c.sendRest(t, w)
	if err == nil {
		err = c.purge(t.ctx)
	}
	if err != nil && t.err() == nil {
		c.Log.Warn("the shared journal could not be compacted; retrying later", zap.Error(err))
	}
	w.done <- err
}

// sendRest appends all parts but the first.
func (c *Copy) sendRest(t *term, w *wholeSending) (err error) {
	for i := 1; i < len(w.bodies) && err == nil; i++ {
		if err = c.takeTurn(t.ctx); err == nil {
			err = c.sendPart(t.ctx, t, w, i)
			c.giveTurn()
		}
	}
	c.turn <- struct{}{}
	defer c.giveTurn()
	t.whole = nil
	return err
}

// purge removes what is before the last whole state from the stream.
func (c *Copy) purge(ctx context.Context) error {
	s := c.state.Load()
	if s.chain.base == nil || !s.chain.isWhole {
		return nil
	}
	if err := c.stream.Purge(ctx, s.chain.base.start); err != nil {
		return fmt.Errorf("removing what a whole state has replaced: %w", err)
	}
	return nil
}

// Rebase begins to decide, as Begin does, after whatever the stream holds now, and appends the whole
// state. It is for a stream that has lost what this node holds; all copies take the state
// over when it is complete. The records of what Replay gives are such a state. The error is
// journal.ErrReplaced when somebody was faster.
func (c *Copy) Rebase(ctx context.Context, state iter.Seq[journal.Record]) (number uint64, err error) {
	if err := c.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer c.giveTurn()
	end, err := c.endOfStream(ctx)
	if err != nil {
		return 0, fmt.Errorf("appending the whole state again: %w", err)
	}
	// Another node may have done it meanwhile, and decided since: that must not be undone.
	var lost *lostError
	switch err := c.CatchUp(ctx); {
	case err == nil:
		return 0, journal.ErrReplaced
	case !errors.As(err, &lost):
		return 0, fmt.Errorf("appending the whole state again: %w", err)
	}
	t := newTerm(c.alive, c.Node, &end)
	if err := c.rebaseTerm(ctx, t, state); err != nil {
		t.end(err)
		c.term.CompareAndSwap(t, nil)
		return 0, err
	}
	c.stopGiving()
	if err := c.purge(ctx); err != nil {
		c.Log.Warn("what a rebase has replaced stays in the stream until it is compacted", zap.Error(err))
	}
	return t.number, nil
}

// rebaseTerm appends the whole state in a term that begins with it, and reads it back: then the copy goes on with it.
func (c *Copy) rebaseTerm(ctx context.Context, t *term, state iter.Seq[journal.Record]) error {
	head := note{Node: c.Node, Term: t.number, Version: c.Version, Held: c.heldPlace()}.record(KindRebase)
	bodies, err := splitWhole(head, state)
	w := &wholeSending{bodies: bodies, era: t.name}
	for i := 0; i < len(bodies) && err == nil; i++ {
		err = c.sendPart(ctx, t, w, i)
	}
	if err != nil {
		return fmt.Errorf("appending the whole state again: %w", err)
	}
	t.era = w.era
	c.term.Store(t)
	if err := c.CatchUp(ctx); err != nil {
		return fmt.Errorf("reading the state that was appended again: %w", err)
	}
	return nil
}

// endOfStream returns the end of the stream, whatever this node holds.
func (c *Copy) endOfStream(ctx context.Context) (end chain, err error) {
	first, last, err := c.stream.Ends(ctx)
	if err != nil || first > last {
		return chain{place: last}, err
	}
	data, err := c.get(ctx, last)
	if err != nil {
		return chain{}, err
	}
	end = chain{place: last, sum: sumOf(data)}
	end.era, _, err = c.eraOf(ctx, first, last, data)
	return end, err
}
