package control

import "time"

// SetPatience shortens how long a client waits.
func (c *Client) SetPatience(d time.Duration) { c.patience = d }

// SetLookEvery changes how often it is looked whether the socket is at its path.
func (s *Socket) SetLookEvery(d time.Duration) { s.every = d }

// Clients counts those that are connected.
func (s *Socket) Clients() int {
	s.clients.mu.Lock()
	defer s.clients.mu.Unlock()
	return len(s.clients.all)
}
