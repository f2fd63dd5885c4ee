package probe

import (
	"context"
	"sync"
	"time"
)

// sessions keeps a user from being logged in twice at a time at one server:
// servers limit sessions by user, and the monitor must not use them up.
type sessions struct {
	mu   sync.Mutex
	held map[sessionKey]chan struct{} // closed when the session ends
}

type sessionKey struct{ user, host string }

// patience is how long a probe waits for another probe's session to end before
// it goes without a login.
const patience = 5 * time.Second

// enter waits for the user's turn at a server. Without one within the patience
// it reports false, and nothing is said of the account this time.
func (s *sessions) enter(ctx context.Context, key sessionKey, wait time.Duration) bool {
	var timer *time.Timer
	for {
		s.mu.Lock()
		busy := s.held[key]
		if busy == nil {
			if s.held == nil {
				s.held = map[sessionKey]chan struct{}{}
			}
			s.held[key] = make(chan struct{})
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		}
		select {
		case <-busy:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// leave ends a session.
func (s *sessions) leave(key sessionKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.held[key])
	delete(s.held, key)
}
