package pushover

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// AskEvery has Pushover asked more often than in earnest, and returns how often that is.
func AskEvery(n notifiers.Notifier, pause time.Duration) (before time.Duration) {
	of := n.(*notifier)
	before, of.askEvery = of.askEvery, pause
	return before
}

// AskNow asks of all rings, once.
func AskNow(ctx context.Context, n notifiers.Notifier, acknowledge func(context.Context, notifiers.Press) (string, error)) error {
	return n.(*notifier).askAll(ctx, time.Now(), acknowledge)
}

// Awaited returns of how many rings Pushover is asked.
func Awaited(n notifiers.Notifier) int { return len(n.(*notifier).awaitedRings(time.Now())) }
