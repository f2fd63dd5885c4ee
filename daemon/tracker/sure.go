package tracker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/journal"
)

// sureAgain is when it is asked again whether this node still decides, after it could not be said.
const sureAgain = time.Second

// isSure reports whether messages may be sent in a round: whether this tracker is still the one that
// decides. It asks at most once a round. The answer that another one decides ends the tracker.
func (t *Tracker) isSure(ctx context.Context, r *round) bool {
	switch {
	case t.Sure == nil:
		return true
	case r.asked || r.now.Before(t.sureNext):
		return r.sure
	}
	err := t.Sure(ctx)
	r.asked, r.sure = true, err == nil
	switch {
	case r.sure:
		return true
	case errors.Is(err, journal.ErrReplaced):
		r.replaced = err
	default:
		t.Log.Warn("messages wait until it is certain that this node decides", zap.Error(err))
	}
	// Counted from now: to ask may have taken seconds.
	t.sureNext = time.Now().Add(sureAgain)
	return false
}
