package cluster

import "time"

// togetherAfter is how long a node that is alone has to hear a decider before it stops deciding for
// itself.
const togetherAfter = 5 * time.Second

// A phase says who decides about what a node sees.
type phase int

const (
	together    phase = iota // the decider
	apart                    // the node itself
	handingOver              // the decider again; what the node opened is still to be handed over
)

// A solitude decides when a node is alone. It is pure.
type solitude struct {
	phase phase
	since time.Time // the phase began
	// was says that the node was alone until a moment ago: it knows that the bus was gone.
	was bool
}

// A company is what is heard, as far as it matters for a solitude.
type company struct {
	mayDecide  bool
	deciding   bool          // this node decides
	without    time.Duration // for how long no decider was heard
	with       time.Duration // for how long one has been heard without a gap
	aloneAfter time.Duration
}

// next takes what is heard at a time, and reports whether the phase is another one than before.
func (s *solitude) next(c company, now time.Time) (changed bool) {
	if c.deciding {
		c.without = 0
	}
	was := s.phase
	switch s.phase {
	case together:
		if c.mayDecide && c.without >= c.aloneAfter {
			s.phase = apart
		}
	case apart:
		if !c.mayDecide || c.with >= togetherAfter {
			s.phase, s.was = handingOver, true
		}
	case handingOver:
		patience := c.aloneAfter
		if s.was {
			patience = takeOverAfter
		}
		if c.mayDecide && c.without >= patience {
			s.phase = apart
		}
	}
	if s.phase != was {
		s.since = now
	}
	return s.phase != was
}

// handedOver notes that what the node opened is handed over.
func (s *solitude) handedOver(now time.Time) { *s = solitude{since: now} }
