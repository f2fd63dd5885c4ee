package stream

import "context"

// ForgetThatItEnded has a node believe that it decides still, as one does that has heard nothing, or
// that a fault of this program keeps from noticing.
func (c *Copy) ForgetThatItEnded() {
	c.turn <- struct{}{}
	defer c.giveTurn()
	was := c.term.Load()
	t := &term{number: was.number, name: was.name, era: was.era, after: was.after, sum: was.sum, count: was.count}
	t.ctx, t.stop = context.WithCancel(c.alive)
	c.term.Store(t)
}
