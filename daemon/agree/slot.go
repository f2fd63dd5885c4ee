package agree

import (
	"math"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A slot is the newest sight of one node about one check, made small: a decider has 300,000 of them. Times
// are counted from when the board began.
type slot struct {
	started  time.Duration
	order    time.Duration // when it began on the clock of the node, in milliseconds: what is newer
	changed  time.Duration // never: not known
	woken    time.Duration // when the node was last asked to look again
	content  *content      // nil: it is not known
	more     *more         // nil: it is well, and no more is known of it
	lasted   uint32        // milliseconds
	took     uint32        // the same
	settings uint32
	// sinceFull is how many milliseconds before this one the full sight began of which changed is; the largest
	// number: there is none.
	sinceFull uint32
	node      uint16 // its place in Board.nodes
	epoch     uint16 // life of the node
	observed  config.Conditions
	version   uint8 // of the content
	fresh     bool  // nothing was decided on it yet
}

// never is a time that was not.
const never = time.Duration(math.MinInt64)

// A more is what only a full sight has.
type more struct {
	findings []incident.Finding
	since    [len(pathConditions)]time.Duration // never: it is well
	timings  []config.PhaseTimes
	lasted   time.Duration
	took     time.Duration
}

// well reports whether a sight says nothing but that all is well.
func (s *slot) well() bool {
	if s.more == nil {
		return s.observed.Has(config.ConditionService)
	}
	return len(s.more.findings) == 0 && s.more.since == [len(pathConditions)]time.Duration{never, never, never} &&
		s.observed.Has(config.ConditionService)
}

// slot returns the sight of a node; nil: there is none.
func (e *entry) slot(node uint16) *slot {
	for i := range e.slots {
		if e.slots[i].node == node {
			return &e.slots[i]
		}
	}
	return nil
}

// makeSlot returns the sight of a node, which is empty if there was none.
func (e *entry) makeSlot(node uint16) *slot {
	if s := e.slot(node); s != nil {
		return s
	}
	if e.slots == nil {
		e.slots = make([]slot, 0, len(e.members))
	}
	e.slots = append(e.slots, slot{
		node: node, started: never, order: never, changed: never, woken: never, sinceFull: math.MaxUint32,
	})
	return &e.slots[len(e.slots)-1]
}

// simplyWell reports whether no node says anything but that the check is well.
func (e *entry) simplyWell() bool {
	for i := range e.slots {
		if !e.slots[i].well() {
			return false
		}
	}
	return true
}

// sight unpacks what a node saw.
func (b *Board) sight(e *entry, s *slot) Sight {
	sight := Sight{
		Node: b.nodes[s.node].Node, Settings: uint64(s.settings), Changed: b.time(s.changed), fresh: s.fresh, travelled: true,
		Took: time.Duration(s.took) * time.Millisecond,
	}
	started := b.time(s.started)
	sight.Result = incident.Result{
		Check: e.id, Started: started, Ended: started.Add(time.Duration(s.lasted) * time.Millisecond), Observed: s.observed,
	}
	if e.login && s.node != e.first {
		// It did not log in, or it does no longer: of the nodes of a check only the first one does.
		sight.Result.Observed &^= config.ConditionSet(config.ConditionAccount)
	}
	if s.content != nil {
		sight.Result.Target, sight.Result.Notes, sight.Result.Addresses = s.content.target, s.content.notes, s.content.addresses
	}
	if m := s.more; m != nil {
		sight.Result.Findings, sight.Result.Ended, sight.Took, sight.timings = m.findings, started.Add(m.lasted), m.took, m.timings
		for i, since := range m.since {
			sight.since[i] = b.time(since)
		}
	}
	return sight
}

// time returns a time that is counted from when the board began; zero: never.
func (b *Board) time(d time.Duration) time.Time {
	if d == never {
		return time.Time{}
	}
	return b.began.Add(d)
}
