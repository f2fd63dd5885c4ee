package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// ErrMade says that there is a shared journal already.
var ErrMade = errors.New("there is a journal on the bus already")

// apart is the distance between the first sequences of streams that are made one after the other, if the one
// before did not grow longer than that.
const apart = 1_000_000

// Create makes the stream and appends a state to it, with which all nodes then begin. It is done once
// in the life of a cluster, and on purpose. One that was interrupted goes on; a stream that is
// finished is ErrMade.
//
// furthest is the last sequence of a stream that was lost, as far as anybody knows; 0: there was none. The new
// one goes on far behind it: a node that decided in the lost one, and does not know yet that this is another,
// expects a sequence at its end that the new one never has.
func Create(ctx context.Context, s bus.Stream, furthest uint64, state iter.Seq[journal.Record]) error {
	if err := create(ctx, s, furthest, state); err != nil {
		return fmt.Errorf("making the shared journal: %w", err)
	}
	return nil
}

func create(ctx context.Context, s bus.Stream, furthest uint64, state iter.Seq[journal.Record]) error {
	made := s.Create(ctx, firstBehind(furthest))
	c := &Copy{stream: s, Options: Options{Patience: patience, Log: zap.NewNop()}}
	end, err := c.endOfStream(ctx)
	switch {
	case err != nil:
		return errors.Join(made, err)
	case end.era != "":
		return ErrMade
	}
	t := newTerm(ctx, "nodes-begin", &end)
	defer t.stop()
	bodies, err := splitWhole(note{Term: t.number}.record(kindCreated), state)
	if err != nil {
		return err
	}
	w := &wholeSending{bodies: bodies, era: t.name}
	for i := range bodies {
		if err := c.sendPart(ctx, t, w, i); err != nil {
			return err
		}
	}
	return nil
}

// firstBehind returns with which sequence a stream begins that takes the place of one that was lost.
func firstBehind(furthest uint64) uint64 {
	if furthest == 0 {
		return 1
	}
	return ((furthest+apart/2)/apart+1)*apart + 1
}
