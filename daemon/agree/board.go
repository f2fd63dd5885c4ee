package agree

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Board is what whoever decides knows of all checks: what each node saw last, and what follows from
// it. It is pure: it has no clock of its own and no lock, and the same calls give the same answers.
type Board struct {
	began  time.Time
	now    time.Time   // the newest that it was told
	nodes  []nodeState // by name
	checks map[uint64]*entry
	sorted []*entry // by id
	// That are to be decided on: those that fail, as some node sees them, and all others. One may be in both.
	urgent, dirty []*entry

	intern interned

	// For one check at a time.
	opinion Opinion
	members []Member
	view    View
}

// A nodeState is what is known of one node.
type nodeState struct {
	Member
	life    uint64
	epoch   uint16 // counts its lives
	asked   time.Time
	lacking bool // a check of which only a brief sight is known
}

// An entry is what is known of one check.
type entry struct {
	id       config.CheckID
	check    *config.Check
	settings uint32
	agree    int
	fresh    time.Duration // how old a sight may be
	course   course
	born     time.Duration // since the board began
	members  []uint16      // places in Board.nodes
	first    uint16        // which of them logs in
	slots    []slot
	cause    config.Cause // of the failure, as it was last said
	reported uint64       // which members reported, a bit each, when it was last decided on
	spoke    uint64       // which nodes reported then: see speakers
	dirty    bool         // it is to be decided on,
	urgent   bool         // and before those that are well
	asking   bool         // a node has yet to look again
	unknown  bool         // it was last said that nobody reports
	login    bool         // the check has a login
}

// NewBoard returns the board of somebody who begins to decide at a time.
func NewBoard(began time.Time) *Board { return &Board{began: began, now: began} }

// Configure makes a configuration the one in force. What is known of checks that stay is kept.
func (b *Board) Configure(cfg *config.Config) {
	was := b.checks
	b.checks, b.sorted = make(map[uint64]*entry, len(cfg.Checks)), b.sorted[:0]
	for id, check := range cfg.Checks {
		if !check.Enabled {
			continue
		}
		e := was[hashOf(id)]
		if e == nil || e.id != id {
			e = &entry{id: id, course: course{short: b.now}, born: b.now.Sub(b.began)}
		}
		e.check, e.settings, e.login = check, onWire(Settings(check)), check.Probe.Login != (config.Login{})
		e.agree, e.fresh = max(1, check.Quorum.Agree), 2*check.Probe.Interval+check.Probe.Timeout
		b.checks[hashOf(id)] = e
		b.sorted = append(b.sorted, e)
	}
	slices.SortFunc(b.sorted, func(a, b *entry) int { return cmp.Compare(a.id, b.id) })
	gone := func(e *entry) bool { return b.entry(e.id) != e }
	b.urgent, b.dirty = slices.DeleteFunc(b.urgent, gone), slices.DeleteFunc(b.dirty, gone)
	b.assign()
}

// entry returns what is known of a check; nil: it is not in the files.
func (b *Board) entry(id config.CheckID) *entry {
	if e := b.checks[hashOf(id)]; e != nil && e.id == id {
		return e
	}
	return nil
}

// SetNodes says which nodes there are, and of which of them nothing is heard. Which of them are at fault
// themselves the board finds out.
func (b *Board) SetNodes(members []Member) {
	was := b.nodes
	place := make([]int, len(was)) // of each node that was known
	for i := range place {
		place[i] = -1
	}
	b.nodes = nil
	for _, m := range slices.SortedFunc(slices.Values(members), func(a, b Member) int { return cmp.Compare(a.Node, b.Node) }) {
		n := nodeState{Member: m}
		if i := slices.IndexFunc(was, func(o nodeState) bool { return o.Node == m.Node }); i >= 0 {
			n = was[i]
			n.Location, n.Silent = m.Location, m.Silent
			place[i] = len(b.nodes)
		}
		b.nodes = append(b.nodes, n)
	}
	for _, e := range b.sorted {
		e.moveSlots(place)
	}
	b.assign()
}

// moveSlots gives the sights of a check the new places of their nodes, and drops those of nodes that are
// gone.
func (e *entry) moveSlots(place []int) {
	kept := e.slots[:0]
	for _, s := range e.slots {
		if to := place[s.node]; to >= 0 {
			s.node = uint16(to)
			kept = append(kept, s)
		}
	}
	clear(e.slots[len(kept):])
	e.slots = kept
}

// assign decides which nodes probe which check, and has those checks decided on that may be different now.
func (b *Board) assign() {
	all := make([]Member, len(b.nodes))
	places := make(map[string]uint16, len(b.nodes))
	lists, list := map[string][]uint16{}, []uint16{}
	for i := range b.nodes {
		all[i] = b.nodes[i].Member
		places[all[i].Node] = uint16(i)
	}
	for _, e := range b.sorted {
		members := assigned(e.id, all, e.check.Quorum)
		list = list[:0]
		for _, m := range members {
			list = append(list, places[m.Node])
		}
		if len(list) > 0 {
			e.first = list[0]
		}
		slices.Sort(list) // people read them by name
		e.members = shared(lists, list)
		if !e.simplyWell() || e.reported == 0 {
			b.touch(e)
		}
	}
}

// shared returns a list that all have which are equal: many checks have the same nodes.
func shared(lists map[string][]uint16, list []uint16) []uint16 {
	key := make([]byte, 0, 2*64)
	for _, node := range list {
		key = append(key, byte(node>>8), byte(node))
	}
	known, ok := lists[string(key)]
	if !ok {
		known = slices.Clone(list)
		lists[string(key)] = known
	}
	return known
}

// touch has a check decided on.
func (b *Board) touch(e *entry) {
	switch {
	case e.urgent:
	case !e.simplyWell():
		e.dirty, e.urgent = true, true
		b.urgent = append(b.urgent, e)
	case !e.dirty:
		e.dirty = true
		b.dirty = append(b.dirty, e)
	}
}

// Recall says which causes the open incidents of the service have, as a new decider finds them in the
// journal. A cause stays as long as a node gives it.
func (b *Board) Recall(causes map[config.CheckID]config.Cause) {
	for id, cause := range causes {
		if e := b.entry(id); e != nil {
			e.cause = cause
		}
	}
}
