package stream

import (
	"cmp"
	"errors"
	"fmt"
	"iter"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// A found is what is in a copy on disk.
type found struct {
	chain
	first string // the sum of the first message
	// cut is the last round, if some of its records are missing: what is there need not be written
	// again.
	cut *heldRound
	// damage says why the copy cannot be gone on with; nil: it can.
	damage error
}

// scan reads a copy on disk.
func scan(all iter.Seq2[journal.Record, error]) (f found, err error) {
	for h, err := range rounds(all) {
		switch {
		case errors.Is(err, errNoHead):
			f.breakAt(err)
		case err != nil:
			return f, err
		default:
			f.addRound(h)
		}
	}
	return f, nil
}

// addRound judges one round.
func (f *found) addRound(h heldRound) {
	cut := f.cut
	f.cut = nil
	f.first = cmp.Or(f.first, h.Sum)
	if h.Whole != nil && h.Whole.N == 1 && !f.continues(h.round) {
		f.restart(h.Seq - 1)
		f.damage = nil
		cut = nil
	}
	switch {
	case f.damage != nil: // until the copy begins anew
	case cut != nil:
		f.breakAt(fmt.Errorf("records of message %d are missing", cut.Seq))
	case !f.continues(h.round):
		f.breakAt(fmt.Errorf("message %d does not follow message %d", h.Seq, f.place))
	case !h.isComplete():
		f.cut = &h
	case h.V > 0 && h.V <= speaks:
		f.breakAt(fmt.Errorf("message %d was written by a newer version, and could not be read until now", h.Seq))
	default:
		f.add(&h)
	}
}

// breakAt notes that what follows the last good round is not there.
func (f *found) breakAt(err error) {
	if f.damage == nil {
		f.damage, f.isWhole, f.next = err, false, nil
	}
}
