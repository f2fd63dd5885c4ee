package tracker

import (
	"context"
	"errors"
)

// ErrStopped is returned to whoever asks a tracker that has ended.
var ErrStopped = errors.New("the tracker has stopped")

// An input is something that happened outside. It is handled in the tracker's
// goroutine and adds to the round.
type input func(*Tracker, *round)

// put hands an input over.
func (t *Tracker) put(ctx context.Context, in input) error {
	select {
	case t.inputs <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.done:
		return ErrStopped
	}
}

// await waits for an answer, which has room for one.
func await[T any](ctx context.Context, t *Tracker, answer <-chan T) (none T, err error) {
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return none, ctx.Err()
	case <-t.done:
		return none, ErrStopped
	}
}

// call has do run in the tracker's goroutine, as part of a round, and returns what it
// returned. The one rule for all: the answer is given after the round is journaled, also
// one that refuses, which may rest on what the same round has changed.
func call[T any](ctx context.Context, t *Tracker, do func(*round) (T, error)) (none T, err error) {
	type result struct {
		value T
		err   error
	}
	answer := make(chan result, 1)
	err = t.put(ctx, func(_ *Tracker, r *round) {
		value, err := do(r)
		r.replies = append(r.replies, func() { answer <- result{value, err} })
	})
	if err != nil {
		return none, err
	}
	a, err := await(ctx, t, answer)
	if err != nil {
		return none, err
	}
	return a.value, a.err
}

// run is call for what has no value.
func (t *Tracker) run(ctx context.Context, do func(*round) error) error {
	_, err := call(ctx, t, func(r *round) (struct{}, error) { return struct{}{}, do(r) })
	return err
}

// Ping returns when the tracker has finished a round that began after the
// call.
func (t *Tracker) Ping(ctx context.Context) error {
	return t.run(ctx, func(*round) error { return nil })
}
