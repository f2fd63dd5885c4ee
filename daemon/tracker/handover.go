package tracker

import (
	"context"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// HandOver ends every open incident of a check, since another node decides about the checks again. Those
// who heard of one hear to whom it is handed over. What is wrong with this machine itself stays.
func (t *Tracker) HandOver(ctx context.Context, to string) error {
	return t.run(ctx, func(r *round) error {
		t.handOver(r, to)
		return nil
	})
}

// handOver ends the incidents of checks.
func (t *Tracker) handOver(r *round, to string) {
	t.handedOver = true
	for id, c := range t.checks {
		if !isTrouble(id) {
			t.addEvents(r, incident.HandOver(c.state, to, r.now))
		}
	}
}
