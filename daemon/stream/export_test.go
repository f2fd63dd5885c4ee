package stream

import "context"

// ForgetThatItEnded has a node believe that it decides still, as one does that has heard nothing, or
// that a fault of this program keeps from noticing.
func (c *Copy) ForgetThatItEnded() {
	t := c.term.Load()
	t.ended.Store(nil)
	t.ctx, t.stop = context.WithCancel(c.alive)
}
