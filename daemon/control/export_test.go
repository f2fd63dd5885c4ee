package control

import "time"

// NameOf is nameOf, for users that a test cannot be.
func NameOf(uid uint32, claimed string) string { return nameOf(uid, claimed) }

// SetCheckEvery changes how often it is looked whether the socket is at its path.
func (s *Socket) SetCheckEvery(d time.Duration) { s.every = d }

// Clients counts those that are connected.
func (s *Socket) Clients() int {
	s.clients.mu.Lock()
	defer s.clients.mu.Unlock()
	return len(s.clients.all)
}
