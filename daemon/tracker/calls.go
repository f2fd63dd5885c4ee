package tracker

import (
	"context"
	"errors"
	"time"
)

// ErrStopped is returned to whoever asks a tracker that has ended; journal.ErrReplaced is where it has
// ended since another node decides now.
var ErrStopped = errors.New("the tracker has stopped")

// An input is something that happened outside. It is handled in the tracker's
// goroutine and adds to the round.
type input func(*Tracker, *round)

// put hands an input to the tracker's goroutine. The error is that of ctx, or that of an ended tracker.
func (t *Tracker) put(ctx context.Context, in input) error {
	select {
	case t.inputs <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.done:
		return t.ended
	}
}

// An answered is what somebody asked for, or why it is refused.
type answered[T any] struct {
	value T
	err   error
}

// await waits for an answer, for which its channel has room, unless the question could
// not be put.
func await[T any](ctx context.Context, t *Tracker, answer <-chan answered[T], put error) (none T, err error) {
	if put != nil {
		return none, put
	}
	select {
	case a := <-answer:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	case <-t.done:
		select { // an answer that was given before the end counts
		case a := <-answer:
			return a.value, a.err
		default:
			return none, t.ended
		}
	}
}

// call has do, which changes something, run in the tracker's goroutine, as part of a round, and
// returns what it returned; a standby refuses with ErrStandby.
func call[T any](ctx context.Context, t *Tracker, do func(*round) (T, error)) (T, error) {
	return inRound(ctx, t, func(r *round) (none T, err error) {
		if t.standby {
			return none, ErrStandby
		}
		return do(r)
	})
}

// inRound has do run in the tracker's goroutine, as part of a round, and returns what it
// returned. The one rule for all: the answer is given after the round is journaled, also
// one that refuses, which may rest on what the same round has changed.
func inRound[T any](ctx context.Context, t *Tracker, do func(*round) (T, error)) (none T, err error) {
	answer := make(chan answered[T], 1)
	err = t.put(ctx, func(_ *Tracker, r *round) {
		value, err := do(r)
		r.replies = append(r.replies, func() { answer <- answered[T]{value, err} })
	})
	return await(ctx, t, answer, err)
}

// look has do run in the tracker's goroutine when the round is journaled, and returns
// what it returned: what is shown holds no more and no less than the journal.
func look[T any](ctx context.Context, t *Tracker, do func(now time.Time) (T, error)) (none T, err error) {
	answer := make(chan answered[T], 1)
	err = t.put(ctx, func(_ *Tracker, r *round) {
		r.replies = append(r.replies, func() {
			value, err := do(r.now)
			answer <- answered[T]{value, err}
		})
	})
	return await(ctx, t, answer, err)
}

// run does what call does, for what has no value.
func (t *Tracker) run(ctx context.Context, do func(*round) error) error {
	_, err := call(ctx, t, func(r *round) (struct{}, error) { return struct{}{}, do(r) })
	return err
}

// Ping returns when the tracker has finished a round that began after the
// call.
func (t *Tracker) Ping(ctx context.Context) error {
	_, err := inRound(ctx, t, func(*round) (none struct{}, _ error) { return none, nil })
	return err
}
