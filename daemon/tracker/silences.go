package tracker

import (
	"cmp"
	"context"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// What a silence is, for those who ask for one and know no outbox.
type (
	// SilenceView is a silence, as it is shown.
	SilenceView = outbox.Silence
	// Scope is what a silence is about.
	Scope = outbox.Scope
)

// Silences lists those that have not ended, the first to end first.
func (t *Tracker) Silences(ctx context.Context) ([]SilenceView, error) {
	answer := make(chan []SilenceView, 1)
	return ask(ctx, t, listed{answer}, answer)
}

type listed struct{ answer chan<- []SilenceView }

func (in listed) handle(t *Tracker, r *round) {
	list := []SilenceView{}
	for _, s := range t.silences {
		if s.Until.After(r.now) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b SilenceView) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.ID, b.ID))
	})
	in.answer <- list
}
