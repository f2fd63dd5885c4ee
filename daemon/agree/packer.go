package agree

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// MaxPacket is the most bytes of a packet.
const MaxPacket = 64 << 10

// A Packer is what a node remembers of the checks that it probes, and makes packets of it for a
// [Board]. It is no safer than a map when several goroutines call it.
type Packer struct {
	node     string
	began    time.Time
	memories map[config.CheckID]*Memory
	last     map[config.CheckID]Sight
	pending  []config.CheckID // that are to be sent
}

// NewPacker returns what a node that starts at a time remembers: nothing.
func NewPacker(node string, began time.Time) *Packer {
	return &Packer{node: node, began: began, memories: map[config.CheckID]*Memory{}, last: map[config.CheckID]Sight{}}
}

// Add takes the next result of a check that this node probes. It is urgent if it is to be flushed at
// once: it fails, or is the first one that does not. Others can wait for a second, so that they
// travel together.
func (p *Packer) Add(r incident.Result, settings uint64, _ time.Time) (urgent bool) {
	m := p.memories[r.Check]
	if m == nil {
		m = &Memory{}
		p.memories[r.Check] = m
	}
	was := m.changed
	s := m.See(p.node, r, settings)
	p.last[r.Check] = s
	p.pending = append(p.pending, r.Check)
	return len(r.Findings) > 0 || !s.Changed.Equal(was)
}

// Flush returns packets with what was added since, and forgets that.
func (p *Packer) Flush(now time.Time) [][]byte {
	pending := p.pending
	p.pending = nil
	return p.pack(pending, now)
}

// All returns packets with what this node saw last of each check.
func (p *Packer) All(now time.Time) [][]byte {
	var ids []config.CheckID
	for id := range p.last {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return p.pack(ids, now)
}

// Keep forgets the checks that this node no longer probes.
func (p *Packer) Keep(probes func(config.CheckID) bool) {
	for id := range p.last {
		if !probes(id) {
			delete(p.last, id)
			delete(p.memories, id)
		}
	}
}

// Forget forgets all: the machine was suspended, so that nobody knows how old it is.
func (p *Packer) Forget() { *p = *NewPacker(p.node, p.began) }

type wire struct {
	Result                       incident.Result
	Settings                     uint64
	Started, Ended, Changed, Age time.Duration
	Since                        [len(pathConditions)]time.Duration
}

func (p *Packer) pack(ids []config.CheckID, now time.Time) (packets [][]byte) {
	for _, id := range ids {
		s, known := p.last[id]
		if !known {
			continue
		}
		w := wire{Result: s.Result, Settings: s.Settings, Started: now.Sub(s.Result.Started), Ended: now.Sub(s.Result.Ended), Changed: now.Sub(s.Changed)}
		for i, since := range s.since {
			if w.Since[i] = -1; !since.IsZero() {
				w.Since[i] = now.Sub(since)
			}
		}
		packet, err := json.Marshal(w)
		if err == nil && len(packet) <= MaxPacket {
			packets = append(packets, packet)
		}
	}
	return packets
}
