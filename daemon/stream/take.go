package stream

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// An incoming is a message of the stream with its sequence.
type incoming struct {
	seq  uint64
	data []byte
}

// errBroken says that a message does not follow what this node holds.
var errBroken = errors.New("a message does not follow the one before")

// Heard takes a message that the bus has just passed on. What does not follow, because others were
// missed, is read later. It returns within a second.
func (c *Copy) Heard(seq uint64, data []byte) {
	c.Expect(seq)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.canCopyNext(), seq > c.chain.place+1:
		c.wakeKeeper()
	case seq == c.chain.place+1:
		// That it does not follow is not believed of what was heard: the stream is asked.
		if c.takeAll([]incoming{{seq, data}}) != nil {
			c.wakeKeeper()
		}
	case c.contradicts(seq, data):
		c.wakeKeeper()
	}
}

// contradicts reports whether a message that was heard is not the one that is held: then the stream
// was begun anew, or has lost what is held. c.mu is held.
func (c *Copy) contradicts(seq uint64, data []byte) bool {
	if seq == c.chain.place {
		return sumOf(data) != c.chain.sum
	}
	var e envelope
	return json.Unmarshal(data, &e) == nil && e.Era != "" && e.Era != c.chain.era
}

// canCopyNext reports whether what comes next can be copied without asking the stream first. c.mu is held.
func (c *Copy) canCopyNext() bool { return c.lost == nil && c.damage == nil && c.chain.sum != "" }

// Expect notes that the stream goes up to a sequence at least. What this node lacks is read in the
// background. It never waits.
func (c *Copy) Expect(last uint64) {
	for {
		known := c.expected.Load()
		if last <= known || c.expected.CompareAndSwap(known, last) {
			break
		}
	}
	if last > c.state.Load().chain.place {
		c.wakeKeeper()
	}
}

// takeAll copies messages that follow one another and what is held. The error is errBroken, when one
// does not; those before it are copied. c.mu is held.
func (c *Copy) takeAll(all []incoming) (err error) {
	var taken []heldRound
	next := c.chain // where the chain goes; each round is added for good when the disk has it
	for _, in := range all {
		h := c.roundOf(in, &next)
		if !next.continues(h.round) {
			err = errBroken
			break
		}
		next.place, next.sum, next.term, next.era = h.Seq, h.Sum, h.Term, h.Era
		taken = append(taken, h)
	}
	c.write(taken)
	for i := range taken {
		c.addTaken(&taken[i])
	}
	c.trim()
	c.showState()
	return err
}

// roundOf returns the round that a message comes to.
func (c *Copy) roundOf(in incoming, after *chain) heldRound {
	m, err := parseMessage(in.data)
	h := heldRound{round: round{
		Seq: in.seq, Term: m.Term, Era: m.Era, Prev: m.Prev, Sum: sumOf(in.data), Records: len(m.records), Whole: m.Whole,
	}, records: m.records}
	switch {
	case err != nil:
		// Whoever put it there did not know the one before; the one after it will name it.
		c.Log.Error("a message of the shared journal is not one of imapvigil and is left out", zap.Uint64("seq", in.seq))
		h.Prev, h.Era, h.Term = after.sum, after.era, after.term
	case m.V > speaks:
		h.V = m.V
		h.Prev, h.Era, h.Term = cmp.Or(h.Prev, after.sum), cmp.Or(h.Era, after.era), cmp.Or(h.Term, after.term)
	}
	return h
}

// write writes rounds to the disk. It returns within a second; what the disk does not take waits in
// memory.
func (c *Copy) write(taken []heldRound) {
	var records []journal.Record
	last := c.j.Status().LastSeq // nobody else appends
	for i := range taken {
		h := &taken[i]
		c.first = cmp.Or(c.first, h.Sum)
		h.at = last + uint64(len(records)) + 1
		rest := h.records
		if c.cut != nil && c.cut.Seq == h.Seq && c.cut.Sum == h.Sum {
			rest, h.at = h.records[len(c.cut.records):], c.cut.at
		} else {
			records = append(records, h.record())
		}
		c.cut = nil
		records = append(records, rest...)
	}
	if len(records) == 0 {
		return
	}
	if err := c.j.Append(records...); err != nil && !errors.Is(err, journal.ErrNotDurable) &&
		!errors.Is(err, journal.ErrClosed) {
		c.Log.Error("the copy of the shared journal did not accept a record", zap.Error(err))
	}
}

// addTaken adds a round that is written to what is held, and gives its records out.
func (c *Copy) addTaken(h *heldRound) {
	t := c.term.Load()
	if t != nil && h.Term > t.number {
		t.end(journal.ErrReplaced)
	}
	completed := c.chain.add(h)
	switch {
	case c.replaying > 0:
		c.tail = append(c.tail, *h)
	case c.gives:
		c.giveOut(h, t != nil && t.begun.Load() && h.Term == t.number && t.err() == nil)
	}
	if completed {
		c.trimNext = time.Time{}
		if c.gives && (c.given == nothingGiven || c.given < h.Seq || c.givenEra != h.Era) {
			c.callAnew()
		}
	}
}

// giveOut gives the records of a round out, if it comes next, unless this node has decided them.
func (c *Copy) giveOut(h *heldRound, own bool) {
	if c.given == nothingGiven || h.Seq != c.given+1 {
		return
	}
	c.given = h.Seq
	if !own && h.Whole == nil && len(h.records) > 0 && c.OnRecords != nil {
		c.OnRecords(h.records)
	}
}

// callAnew says that what was given out is not what the stream says.
func (c *Copy) callAnew() {
	c.gives = false
	if c.OnAnew != nil {
		c.OnAnew()
	}
}
