package tracker

import (
	"context"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// HandOver ends every open incident of a check, since another node decides about the checks again. Those
// who heard of one hear to whom it is handed over, and what successor says becomes of it there. What is
// wrong with this machine itself stays.
func (t *Tracker) HandOver(ctx context.Context, successor func(config.CheckID, config.Condition) incident.Successor) error {
	return t.run(ctx, func(r *round) error {
		t.handedOver = true
		for topic := range t.wished {
			t.dropWish(r, topic)
		}
		for id, c := range t.checks {
			if !isTrouble(id) {
				of := func(c config.Condition) incident.Successor { return successor(id, c) }
				t.addEvents(r, incident.HandOver(c.state, of, r.now))
			}
		}
		return nil
	})
}
