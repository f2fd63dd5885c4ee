package watch

import (
	"context"
	"time"
)

// Reason is what led to a signal. It is for logs: whatever the reason, there is
// only one thing to do.
type Reason int

// When two signals become one, the reason with the higher value remains.
const (
	// Poll: the time between two looks has passed.
	Poll Reason = iota
	// Watching: watches were set, at the start or after [Watcher.Also]. What
	// happened before they stood is not known.
	Watching
	// Events: something changed in a watched directory.
	Events
	// Overflow: there were more events than the kernel keeps, and it dropped some
	// (inotify(7), IN_Q_OVERFLOW).
	Overflow
)

func (r Reason) String() string {
	switch r {
	case Poll:
		return "poll"
	case Watching:
		return "watching"
	case Events:
		return "events"
	case Overflow:
		return "overflow"
	}
	return "unknown"
}

// offerReason puts r into a channel of capacity one without ever blocking; a reason
// that waits there already is merged with it.
func offerReason(c chan Reason, r Reason) {
	for {
		select {
		case c <- r:
			return
		default:
		}
		select {
		case waiting := <-c:
			// Somebody may have taken the other in between, so it is put in again from the
			// start.
			r = max(r, waiting)
		default:
		}
	}
}

// awaitQuiet waits until no hint has come for quiet, or until limit has passed since
// it was called, or until ctx ends. why is the hint that was already received.
func awaitQuiet(ctx context.Context, hints <-chan Reason, why Reason, quiet, limit time.Duration) Reason {
	silence, end := time.NewTimer(quiet), time.NewTimer(limit)
	defer silence.Stop()
	defer end.Stop()
	for {
		select {
		case hint := <-hints:
			why = max(why, hint)
			silence.Reset(quiet)
		case <-silence.C:
			return why
		case <-end.C:
			return why
		case <-ctx.Done():
			return why
		}
	}
}
