package tracker

import (
	"context"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// foreseeable is how near a time is to now so that what a check depends on is taken to be
// as it is now.
const foreseeable = time.Minute

// Foresee returns what would be sent if a condition of a check began to fail at a time
// and stayed so; see [outbox.Foresee]. Silences and, for a time that is near, what the
// check depends on count as they are. It is worked out in the caller's goroutine, and costs
// the tracker no more than the copy of its silences.
func (t *Tracker) Foresee(ctx context.Context, q outbox.Question) (outbox.Forecast, error) {
	type scene struct {
		world   outbox.World
		subject outbox.Subject
	}
	s, err := look(ctx, t, func(now time.Time) (scene, error) {
		c, ok := t.cfg.Checks[q.Check]
		if !ok {
			return scene{}, errors.New("the daemon has no check " + boundName(string(q.Check)))
		}
		w := t.surroundings()
		if ahead := q.Begins.Sub(now).Abs(); ahead > foreseeable {
			w.AssumeWell(c.ID)
		} else {
			t.addParents(&w, c.ID)
		}
		return scene{w, outbox.Suppose(t.cfg, c, q.Condition, q.Severity, q.Begins)}, nil
	})
	if err != nil {
		return outbox.Forecast{}, err
	}
	return outbox.Foresee(s.world, s.subject, outbox.Horizon), nil
}
