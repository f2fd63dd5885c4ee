package stream

import (
	"fmt"
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
		from := c.beginReplay()
		defer c.endReplay()
		if c.yieldHeld(from, yield) {
			c.replayTail(yield)
		}
	}
}

// Records gives what Replay gives, as of when it begins. What OnRecords hears goes on as it was.
func (c *Copy) Records() iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		from := c.beginViewing()
		defer c.endViewing()
		c.yieldHeld(from, yield)
	}
}

// A moment of the copy is what a reader of the disk is given.
type moment struct {
	base    *wholeState
	last    uint64 // the last record on disk
	place   uint64 // the last sequence
	isWhole bool
}

// currentMoment returns how far the copy is. c.mu is held.
func (c *Copy) currentMoment() moment {
	return moment{c.chain.base, c.j.Status().LastSeq, c.chain.place, c.chain.isWhole}
}

// yieldHeld gives the records on disk that lead from a whole state to a record of the copy. It returns
// false when the reader wants no more, or the disk cannot be read.
func (c *Copy) yieldHeld(from moment, yield func(journal.Record, error) bool) bool {
	var reached uint64
	for h, err := range c.heldFrom(from.base, from.last, &reached) {
		if err != nil {
			yield(journal.Record{}, err)
			return false
		}
		if !yieldAll(h.records, yield) {
			return false
		}
	}
	if from.isWhole && reached != from.place {
		c.noteShort(reached, from.place)
	}
	return true
}

// noteShort notes that the disk has less than was copied to it, as when somebody took away a
// damaged file of which the first records were still read. What is missing is read from the stream, and
// whoever was given less is told to read again.
func (c *Copy) noteShort(reached, place uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.chain.isWhole {
		return
	}
	c.damage = fmt.Errorf("the messages from %d to %d are not on the disk any more", reached+1, place)
	c.chain.isWhole = false
	if c.replaying > 0 {
		c.given = nothingGiven
	}
	c.showState()
	c.wakeKeeper()
}

func (c *Copy) beginViewing() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.viewing++
	return c.currentMoment()
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
func (c *Copy) beginReplay() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replaying++
	c.gives, c.given, c.givenEra = false, nothingGiven, c.chain.era
	if c.chain.base != nil {
		c.given = c.chain.place
	}
	return c.currentMoment()
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
// order in which they have to be folded. It notes the sequence of the last one that it has come to.
func (c *Copy) heldFrom(base *wholeState, last uint64, reached *uint64) iter.Seq2[heldRound, error] {
	noting := func(is func(*heldRound) bool) func(*heldRound) bool {
		return func(h *heldRound) bool {
			*reached = h.Seq
			return is(h)
		}
	}
	return func(yield func(heldRound, error) bool) {
		if base == nil {
			return
		}
		all := rounds(until(c.j.Records(), last))
		if !base.isMixed() {
			walkFrom(base, all, noting(func(h *heldRound) bool { return h.Whole == nil || base.holds(h) }), yield)
			return
		}
		// What was appended between the parts comes after the state, so the disk is read twice.
		if walkFrom(base, all, base.holds, yield) {
			walkFrom(base, all, noting(func(h *heldRound) bool { return h.Whole == nil }), yield)
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
