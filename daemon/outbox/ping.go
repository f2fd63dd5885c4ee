package outbox

import "context"

// Ping returns when the Sender could take something to send: at once, unless
// it is stuck.
func (s *Sender) Ping(ctx context.Context) error {
	free := make(chan struct{})
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(free)
	}()
	select {
	case <-free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
