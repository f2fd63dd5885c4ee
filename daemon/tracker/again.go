package tracker

import (
	"context"
	"errors"

	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// Again has a delivery that was given up tried once more.
func (t *Tracker) Again(ctx context.Context, key outbox.Key) error {
	answer := make(chan error, 1)
	failed, err := ask(ctx, t, retried{key, answer}, answer)
	return errors.Join(err, failed)
}

type retried struct {
	key    outbox.Key
	answer chan<- error
}

func (in retried) handle(t *Tracker, r *round) {
	o, err := t.book.Again(in.key, r.now)
	if err != nil {
		in.answer <- err
		return
	}
	t.settle(o)
	r.add(kindOutcome, o.At, o)
	t.agenda.everything()
	r.replies = append(r.replies, func() { in.answer <- nil })
}
