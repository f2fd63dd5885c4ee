package stream

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// ErrMade says that there is a shared journal already.
var ErrMade = errors.New("there is a journal on the bus already")

// Create makes the stream and appends a state to it, with which all nodes then begin. It is done once
// in the life of a cluster, and on purpose. One that was interrupted goes on; a stream that is
// finished is ErrMade.
func Create(ctx context.Context, s bus.Stream, state iter.Seq[journal.Record]) error {
	if err := create(ctx, s, state); err != nil {
		return fmt.Errorf("making the shared journal: %w", err)
	}
	return nil
}

func create(ctx context.Context, s bus.Stream, state iter.Seq[journal.Record]) error {
	made := s.Create(ctx)
	c := &Copy{stream: s, Options: Options{Patience: patience}}
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
