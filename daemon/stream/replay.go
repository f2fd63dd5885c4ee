package stream

import (
	"iter"
	"math"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// nothingGiven is the place of whoever was given no state.
const nothingGiven = math.MaxUint64

// Replay gives the records that lead to what the stream says, as far as this node holds it: those of
// the last whole state first, then those after it. What is copied meanwhile comes, too. From
// the end of it on OnRecords hears what follows, so that whoever folds both has each record once.
func (c *Copy) Replay() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		base, last := c.beginReplay()
		defer c.endReplay()
		if c.yieldHeld(base, last, yield) {
			c.replayTail(yield)
		}
	}
}

// Records gives what Replay gives, as of when it begins. What OnRecords hears goes on as it was.
func (c *Copy) Records() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		base, last := c.beginViewing()
		defer c.endViewing()
		c.yieldHeld(base, last, yield)
	}
}

// yieldHeld gives the records on disk that lead from a whole state to a record of the copy. It returns
// false when the reader wants no more, or the disk cannot be read.
func (c *Copy) yieldHeld(base *wholeState, last uint64, yield func(journal.Record, error) bool) bool {
	for h, err := range c.heldFrom(base, last) {
		if err != nil {
			yield(journal.Record{}, err)
			return false
		}
		if !yieldAll(h.records, yield) {
			return false
		}
	}
	return true
}

func (c *Copy) beginViewing() (base *wholeState, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewing++
	return c.chain.base, c.j.Status().LastSeq
}

func (c *Copy) endViewing() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewing--
	c.trim()
}

func yieldAll(records []journal.Record, yield func(journal.Record, error) bool) bool {
	for _, r := range records {
		if !yield(r, nil) {
			return false
		}
	}
	return true
}

// beginReplay returns what is to be replayed from the disk: from a whole state to a record of the
// copy. What is copied from now on is kept in memory, too, and nothing on disk is removed.
func (c *Copy) beginReplay() (base *wholeState, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replaying++
	c.gives, c.given, c.givenEra = false, nothingGiven, c.chain.era
	if c.chain.base != nil {
		c.given = c.chain.place
	}
	return c.chain.base, c.j.Status().LastSeq
}

// endReplay lets the disk be tidied again.
func (c *Copy) endReplay() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replaying--; c.replaying == 0 {
		c.tail = nil
		c.trim()
	}
}

// replayTail gives what was copied meanwhile, and has OnRecords hear what comes next.
func (c *Copy) replayTail(yield func(journal.Record, error) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.tail {
		h := &c.tail[i]
		if h.Seq != c.given+1 {
			continue
		}
		c.given = h.Seq
		if h.Whole == nil && !yieldAll(h.records, yield) {
			return
		}
	}
	c.gives = true
	if c.chain.isWhole && (c.given == nothingGiven || c.given < c.chain.place || c.givenEra != c.chain.era) {
		c.callAnew()
	}
}

// heldFrom gives the rounds on disk that lead from a whole state to a record of the copy, in the
// order in which they have to be folded.
func (c *Copy) heldFrom(base *wholeState, last uint64) iter.Seq2[heldRound, error] {
	return func(yield func(heldRound, error) bool) {
		if base == nil {
			return
		}
		all := rounds(until(c.j.Records(), last))
		if !base.isMixed() {
			walkFrom(base, all, func(h *heldRound) bool { return h.Whole == nil || base.holds(h) }, yield)
			return
		}
		// What was appended between the parts comes after the state, so the disk is read twice.
		if walkFrom(base, all, base.holds, yield) {
			walkFrom(base, all, func(h *heldRound) bool { return h.Whole == nil }, yield)
		}
	}
}

// holds reports whether a round is a part of the whole state.
func (w *wholeState) holds(h *heldRound) bool {
	return h.Whole != nil && h.Term == w.term && h.Seq >= w.start && h.Seq <= w.end
}

// until gives the records up to one.
func until(all iter.Seq2[journal.Record, error], last uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range all {
			if r.Seq > last || !yield(r, err) {
				return
			}
		}
	}
}

// walkFrom gives those of the rounds from a whole state on that are wanted, as far as one follows
// another. It is false when yield was, or after an error.
func walkFrom(base *wholeState, all iter.Seq2[heldRound, error], wanted func(*heldRound) bool, yield func(heldRound, error) bool) bool {
	var at chain
	for h, err := range all {
		switch {
		case err != nil && at.place > 0:
			return yield(h, err)
		case err != nil:
			continue
		case at.place == 0 && h.at >= base.at && h.Sum == base.sum:
			at.place, at.sum = h.Seq-1, h.Prev
		case at.place == 0:
			continue
		}
		if !at.continues(h.round) || !h.isComplete() {
			return true
		}
		at.place, at.sum = h.Seq, h.Sum
		if wanted(&h) && !yield(h, nil) {
			return false
		}
	}
	return true
}
