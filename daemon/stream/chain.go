package stream

import (
	"errors"
	"iter"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A chain is how far a copy has come: each round names the one before by its hash. Opening a copy
// folds the heads on disk into one, and copying goes on with it.
type chain struct {
	place uint64 // the last sequence
	sum   string // of the message there; empty: any message may come next
	term  uint64 // of the message there
	era   string

	// base is the last whole state that is complete; all before it is of no account.
	base *wholeState
	// isWhole: the base and all that came after it are held. Else the copy is damaged, or is being
	// read anew, and base is what it held before.
	isWhole bool
	next    *wholeState // that is not complete yet
	newer   uint64      // the last sequence that a newer version wrote
	size    int64       // bytes of records after the base
}

// A wholeState is where in the stream a whole state stands.
type wholeState struct {
	term       uint64
	start, end uint64 // sequences; end is 0 until it is complete
	sum        string // of the first message
	at         uint64 // the number of its head in the copy, or a lower one: it may be there twice
	parts, of  int
	later      int64 // bytes of records between its parts that are not part of it
}

// isMixed reports whether rounds lie between its parts.
func (w *wholeState) isMixed() bool { return w.end-w.start+1 != uint64(w.of) }

// continues reports whether a round comes next.
func (c *chain) continues(h round) bool {
	return h.Seq == c.place+1 && (c.sum == "" || h.Prev == c.sum)
}

// restart has the chain begin anew: the first part of a whole state comes next.
func (c *chain) restart(before uint64) {
	*c = chain{place: before, base: c.base}
}

// add adds a round that continues the chain. It returns true when a whole state is complete with it.
func (c *chain) add(h *heldRound) bool {
	c.place, c.sum, c.term, c.era = h.Seq, h.Sum, h.Term, h.Era
	if h.V > speaks {
		c.newer = h.Seq
	}
	// Whoever decides next has not gone on with the whole state of the one before.
	if c.next != nil && c.next.term != h.Term {
		c.next = nil
	}
	if h.Whole == nil {
		c.size += h.bytes()
		if c.next != nil {
			c.next.later += h.bytes()
		}
		return false
	}
	return c.addPart(h)
}

// addPart adds a part of a whole state.
func (c *chain) addPart(h *heldRound) bool {
	if h.Whole.N == 1 {
		c.next = &wholeState{term: h.Term, start: h.Seq, sum: h.Sum, at: h.at, of: h.Whole.Of}
	}
	if c.next == nil || h.Whole.N != c.next.parts+1 || h.Whole.Of != c.next.of {
		c.next = nil
		return false
	}
	if c.next.parts++; c.next.parts < c.next.of {
		return false
	}
	c.base, c.next = c.next, nil
	c.base.end, c.isWhole, c.size = h.Seq, true, c.base.later
	if c.newer < c.base.start {
		c.newer = 0
	}
	return true
}

// A heldRound is a round with its records, as the copy on disk has it.
type heldRound struct {
	round
	at      uint64 // the number of the head in the copy
	records []journal.Record
}

// isComplete reports whether all records are there: the last round of a copy may have been cut.
func (h *heldRound) isComplete() bool { return len(h.records) == h.Records }

// bytes returns what its records come to.
func (h *heldRound) bytes() int64 { return sizeOf(h.records) }

// sizeOf returns about how many bytes records have on disk.
func sizeOf(records []journal.Record) (n int64) {
	const frame = 120
	for _, r := range records {
		n += int64(len(r.Data)) + frame
	}
	return n
}

var errNoHead = errors.New("a record of the copy stands under no head")

// rounds gives the rounds of a copy on disk. Records before the first head are left out, and those
// beyond what a head counts come out as errNoHead, once.
func rounds(all iter.Seq2[journal.Record, error]) iter.Seq2[heldRound, error] {
	return func(yield func(heldRound, error) bool) {
		var h heldRound
		begun, told := false, false
		for r, err := range all {
			switch {
			case err != nil:
				yield(heldRound{}, err)
				return
			case r.Kind != kindRound && begun && !h.isComplete():
				h.records = append(h.records, r)
				continue
			case r.Kind != kindRound && !told:
				told = true
				if begun && !yield(h, nil) || !yield(heldRound{}, errNoHead) {
					return
				}
				begun = false
				continue
			case r.Kind != kindRound:
				continue
			}
			if begun && !yield(h, nil) {
				return
			}
			head, err := parseRound(r.Data)
			h, begun, told = heldRound{round: head, at: r.Seq}, err == nil, err != nil
			if err != nil && !yield(heldRound{}, errNoHead) {
				return
			}
		}
		if begun {
			yield(h, nil)
		}
	}
}
