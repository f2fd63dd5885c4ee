package agree

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// refreshAfter is how old the last full sight of a check may be. One that was lost is asked for, and so
	// this may be long. Each check has its own moment before that, so that they do not all travel at once.
	refreshAfter = 6 * time.Hour
	// atOnce is how many bytes of full sights an answer has; what is well beyond that is brief, and
	// travels in full with the next probe.
	atOnce = 1 << 20
	// mostAtOnce is how many bytes an answer has. A bus takes 64 MiB of what it makes of them, and 100,000 checks
	// that fail come to about 40.
	mostAtOnce = 40 << 20
)

// A Packer is what a node remembers of the checks that it probes, and makes packets of it for a
// [Board]. Only one goroutine at a time may use it.
type Packer struct {
	node    string
	began   time.Time
	life    uint64
	checks  map[config.CheckID]*packed
	sorted  []*packed // all of them, as they came
	pending []*packed // which are to be sent
}

// A packed is what a node remembers of one check: its newest sight, and what of it others have.
type packed struct {
	id     config.CheckID
	memory Memory
	sight  Sight // without what is in content
	// content is what others show of it; version counts how often it changed.
	content string
	version uint8
	timings []config.PhaseTimes // until it is sent
	fullAt  time.Time           // it was last sent in full; zero: it is to be
	pending bool
}

// NewPacker returns what a node that starts at a time remembers: nothing.
func NewPacker(node string, began time.Time) *Packer {
	h := fnv.New64a()
	_, _ = h.Write([]byte(node + began.Format(time.RFC3339Nano)))
	return &Packer{node: node, began: began, life: mix(h.Sum64()), checks: map[config.CheckID]*packed{}}
}

// Add takes the next result of a check that this node probes. It is urgent if it is to be flushed at
// once: it fails, or is the first one that does not. Others can wait for a second, so that they
// travel together.
func (p *Packer) Add(r incident.Result, settings uint64, now time.Time) (urgent bool) {
	c := p.checks[r.Check]
	if c == nil {
		c = &packed{id: r.Check}
		p.checks[r.Check] = c
		p.sorted = append(p.sorted, c)
	}
	failed, wasBrief := c.fails(), c.brief()
	c.timings = timingsOf(&r)
	if content := contentOf(&r); content != c.content {
		c.content = content
		c.version++
		c.fullAt = time.Time{}
	}
	c.sight = c.memory.See(p.node, r, settings)
	c.sight.Result.Addresses, c.sight.Result.Notes = nil, nil // the content has them
	if !wasBrief || now.Sub(c.fullAt) >= refreshAfter-time.Duration(hashOf(c.id)%uint64(refreshAfter/2)) {
		c.fullAt = time.Time{}
	}
	p.wait(c)
	return failed || c.fails()
}

// contentOf returns what of a result stays the same, as it travels.
func contentOf(r *incident.Result) string {
	var w writer
	w.content(r)
	if len(w.data) > MaxPacket/2 {
		// No server is worth that much. What is wrong is in the findings.
		w.data = w.data[:0]
		w.content(&incident.Result{Target: r.Target})
	}
	return string(w.data)
}

// fails reports whether something of the check fails.
func (c *packed) fails() bool {
	return slices.ContainsFunc(c.sight.Result.Findings, func(f incident.Finding) bool { return f.Health != incident.Unknown })
}

// Flush returns packets with what was added since the last one.
func (p *Packer) Flush(now time.Time) [][]byte {
	b := p.newBatch(now)
	for _, c := range p.pending {
		c.pending = false
		b.add(c, c.fullAt.IsZero())
	}
	p.pending = p.pending[:0]
	return b.packets()
}

// All returns packets with what this node saw last of each check, first of those that fail. What has no room in
// an answer is in what Flush returns next.
func (p *Packer) All(now time.Time) [][]byte {
	b := p.newBatch(now)
	var rest []*packed
	for _, c := range p.sorted {
		switch {
		case c.brief():
			rest = append(rest, c)
		case b.size < mostAtOnce:
			b.add(c, true)
		default:
			p.wait(c)
		}
	}
	for _, c := range rest {
		full := b.size < atOnce
		b.add(c, full)
		if !full {
			c.fullAt = time.Time{}
		}
	}
	return b.packets()
}

// wait has what was seen of a check sent with the next batch.
func (p *Packer) wait(c *packed) {
	if !c.pending {
		c.pending = true
		p.pending = append(p.pending, c)
	}
}

// Keep forgets the checks that this node no longer probes.
func (p *Packer) Keep(probes func(config.CheckID) bool) {
	for id := range p.checks {
		if !probes(id) {
			delete(p.checks, id)
		}
	}
	gone := func(c *packed) bool { return p.checks[c.id] != c }
	p.sorted, p.pending = slices.DeleteFunc(p.sorted, gone), slices.DeleteFunc(p.pending, gone)
}

// Forget forgets all. A machine that was suspended does not know how old it is.
func (p *Packer) Forget() {
	clear(p.checks)
	p.sorted, p.pending = nil, nil
}
