package control

import "time"

// SetCheckEvery changes how often it is looked whether the socket is at its path.
func (s *Socket) SetCheckEvery(d time.Duration) { s.every = d }

// Clients counts those that are connected.
func (s *Socket) Clients() int {
	s.clients.mu.Lock()
	defer s.clients.mu.Unlock()
	return len(s.clients.all)
}
