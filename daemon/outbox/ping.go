package outbox

import (
	"context"
	"time"
)

// Ping returns when the Sender could take something to send: at once, unless
// it is stuck.
func (s *Sender) Ping(ctx context.Context) error {
	for !s.mu.TryLock() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	defer s.mu.Unlock()
	return nil
}
