package notifiers

import (
	"context"
	"time"
)

// A Resender is Settings whose receiver forgets what it was told, unless it is told again
// and again. Their notifier is a [BatchResender].
type Resender interface {
	// ResendEvery returns how often what is open is told again, above 0.
	ResendEvery() time.Duration
}

// A BatchResender repeats messages that a target has got before: the last one about each
// incident, with the incident as it is now. Of an incident that is over that is its end.
//
// Resend makes one attempt, as Notify does. What it comes to changes nothing for the
// messages: the next Resend comes after a while. The target may have got a newer message
// about one of the incidents meanwhile; then ctx has ended, and no request must begin.
type BatchResender interface {
	Resend(ctx context.Context, to Target, messages []Message) error
}
