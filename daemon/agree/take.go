package agree

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// ErrStranger is the error about a packet of a node that is not in the configuration.
var ErrStranger = errors.New("a node sent what it sees that is not in the configuration")

// Take takes a packet that a node sent, which arrived just now. What it says of checks that are not in the
// files is left out. After an error, what came before the mistake is kept.
func (b *Board) Take(node string, packet []byte, now time.Time) error {
	b.now = laterOf(b.now, now)
	place := slices.IndexFunc(b.nodes, func(n nodeState) bool { return n.Node == node })
	if place < 0 {
		return ErrStranger
	}
	if len(packet) > MaxPacket {
		return errPacket
	}
	r := reader{data: packet}
	if r.byte() != packetVersion {
		return errPacket
	}
	a := arrival{board: b, node: uint16(place), now: now.Sub(b.began)}
	a.noteLife(r.uint64())
	a.sent = r.age()
	for range r.count(MaxPacket) {
		if s := r.brief(); r.err == nil {
			a.takeBrief(s)
		}
	}
	for len(r.data) > 0 {
		one := reader{data: r.raw()}
		s := one.full()
		if one.err != nil {
			return one.err
		}
		if err := a.takeFull(&s); err != nil {
			return err
		}
	}
	return r.err
}

// An arrival is a packet that is being taken.
type arrival struct {
	board *Board
	node  uint16
	now   time.Duration // since the board began
	sent  time.Duration // now, on the clock of the node
}

// noteLife notes whether the node was started anew: it counts by another clock then.
func (a *arrival) noteLife(life uint64) {
	n := &a.board.nodes[a.node]
	if n.life == life && n.epoch != 0 {
		return
	}
	n.life, n.asked = life, time.Time{}
	if n.epoch++; n.epoch == 0 {
		n.epoch = 1 // 0 is of a node that was never heard
	}
}

// slot returns where the sight of a check belongs; nil: nowhere, or a newer one is there.
func (a *arrival) slot(e *entry, order time.Duration) *slot {
	s := e.makeSlot(a.node)
	if s.epoch == a.epoch() && order < s.order {
		return nil
	}
	return s
}

func (a *arrival) epoch() uint16 { return a.board.nodes[a.node].epoch }

// takeBrief takes a brief sight.
func (a *arrival) takeBrief(f brief) {
	e := a.board.checks[f.check]
	if e == nil {
		return
	}
	order := millis(a.sent) - f.age
	s := a.slot(e, order)
	if s == nil || s.epoch == a.epoch() && order == s.order {
		return // a full one of the same probe is worth more
	}
	started := a.now - f.age
	if s.more != nil && s.more.since[0] != never {
		s.changed = started // the full one, with which it became well, was lost on the way
	}
	if s.epoch != a.epoch() || s.version != f.version {
		s.content = nil // it is another one by now
	}
	sinceFull := uint32(math.MaxUint32) // the full ones of another life have another clock
	if s.epoch == a.epoch() {
		sinceFull = inMillis(order - s.order + time.Duration(s.sinceFull)*time.Millisecond)
	}
	*s = slot{
		node: s.node, epoch: a.epoch(), woken: s.woken, content: s.content, changed: s.changed, version: f.version,
		started: started, order: order, lasted: inMillis(f.lasted), took: inMillis(f.took),
		settings: f.settings, sinceFull: sinceFull, observed: f.observed & ofProbes, fresh: true,
	}
	if s.content == nil {
		a.board.nodes[a.node].lacking = true
	}
	a.board.touch(e)
}

// takeFull takes a full sight.
func (a *arrival) takeFull(f *full) error {
	e := a.board.entry(f.check)
	if e == nil {
		return nil
	}
	content, err := a.board.contentOf(e, f.content)
	if err != nil {
		return err
	}
	order := millis(a.sent - f.age)
	s := a.slot(e, order)
	if s == nil {
		a.takeLate(e.slot(a.node), f, content, order)
		return nil
	}
	started, fresh := a.now-f.age, true
	if s.epoch == a.epoch() && s.order == order {
		started, fresh = s.started, s.fresh // the same probe again: it is no new one
	}
	*s = slot{
		node: s.node, epoch: a.epoch(), woken: s.woken, content: content, changed: a.ago(f.changed), version: f.version,
		started: started, order: order, lasted: inMillis(f.lasted), took: inMillis(f.took),
		settings: f.settings, observed: f.observed & ofProbes, fresh: fresh,
		more: &more{findings: f.findings, timings: f.timings, lasted: f.lasted, took: f.took},
	}
	for i, since := range f.since {
		s.more.since[i] = a.ago(since)
	}
	if fresh {
		a.board.touch(e)
	}
	return nil
}

// takeLate takes a full sight after a newer one: where that is brief it lacks what the full one has, unless a full
// one between them is known.
func (a *arrival) takeLate(s *slot, f *full, content *content, order time.Duration) {
	sinceFull := inMillis(s.order - order)
	if s.more != nil || s.version != f.version || len(f.findings) > 0 || sinceFull > s.sinceFull {
		return
	}
	s.content, s.changed, s.sinceFull = content, a.ago(f.changed), sinceFull
}

// ago returns when something was, counted from when the board began.
func (a *arrival) ago(d time.Duration) time.Duration {
	if d < 0 {
		return never
	}
	return a.now - d
}

// contentOf reads what of a sight stays the same. What another node sees as well is in memory once.
func (b *Board) contentOf(e *entry, raw []byte) (*content, error) {
	hash := hashOf(raw)
	for i := range e.slots {
		if c := e.slots[i].content; c != nil && c.hash == hash {
			return c, nil
		}
	}
	r := reader{data: raw}
	c := r.content()
	if r.err != nil {
		return nil, r.err
	}
	c.hash = hash
	b.intern.content(&c)
	return &c, nil
}

// ofProbes are the conditions that a probe can judge.
var ofProbes = config.AllConditions() &^
	config.ConditionSet(config.ConditionMonitor, config.ConditionIntermittent, config.ConditionLocation)

// inMillis returns a duration in milliseconds, as a slot has it.
func inMillis(d time.Duration) uint32 {
	return uint32(min(max(0, d.Milliseconds()), math.MaxUint32))
}
