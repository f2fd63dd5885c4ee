package agree

import (
	"encoding/binary"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A batch makes packets of sights.
type batch struct {
	packer *Packer
	now    time.Time
	sent   time.Duration // now, on the clock of the packer
	done   [][]byte
	size   int // of all that was added

	briefs int
	brief  writer
	full   writer
	one    writer // a full sight, until it is known how long it is
}

func (p *Packer) newBatch(now time.Time) *batch {
	return &batch{packer: p, now: now, sent: now.Sub(p.began)}
}

// add adds the newest sight of a check: in full if that is wanted, or if it is not simply well.
func (b *batch) add(c *packed, inFull bool) {
	started := c.sight.Result.Started.Sub(b.packer.began)
	lasted := c.sight.Result.Ended.Sub(c.sight.Result.Started)
	if c.brief() && !inFull {
		b.makeRoom(64)
		before := len(b.brief.data)
		b.brief.brief(brief{
			check: hashOf(c.id), settings: onWire(c.sight.Settings), version: c.version, observed: c.sight.Result.Observed,
			age: millis(b.sent) - millis(started), lasted: lasted, took: c.sight.Took,
		})
		b.briefs++
		b.size += len(b.brief.data) - before
		return
	}
	f := full{
		check: c.id, settings: onWire(c.sight.Settings), version: c.version, observed: c.sight.Result.Observed,
		age: b.sent - started, lasted: lasted, took: c.sight.Took, changed: b.ago(c.sight.Changed),
		findings: c.sight.Result.Findings, content: []byte(c.content), timings: c.timings,
	}
	for i, since := range c.sight.since {
		f.since[i] = b.ago(since)
	}
	b.write(&f)
	b.makeRoom(len(b.one.data) + binary.MaxVarintLen64)
	b.full.text(string(b.one.data))
	b.size += len(b.one.data)
	c.fullAt, c.timings = b.now, nil
}

// write writes a full sight, and leaves out what no packet has room for.
func (b *batch) write(f *full) {
	for {
		b.one.data = b.one.data[:0]
		b.one.full(f)
		if len(b.one.data) <= MaxPacket-2*headSize {
			return
		}
		f.content, f.timings = []byte(contentOf(&incident.Result{})), nil
		f.findings = f.findings[:len(f.findings)/2] // the worst come first
	}
}

// brief reports whether all that there is to say is that the check is well.
func (c *packed) brief() bool {
	return len(c.sight.Result.Findings) == 0 && c.sight.since == beginnings{} && c.sight.judged()
}

// ago returns how long ago something was; negative: never.
func (b *batch) ago(t time.Time) time.Duration {
	if t.IsZero() {
		return -1
	}
	return max(0, b.now.Sub(t))
}

// headSize is the most that is before the sights of a packet.
const headSize = 1 + 8 + 2*binary.MaxVarintLen64

// makeRoom ends a packet that has no room for that many bytes more.
func (b *batch) makeRoom(more int) {
	if headSize+len(b.brief.data)+len(b.full.data)+more > MaxPacket {
		b.end()
	}
}

// end ends a packet, if there is anything in it.
func (b *batch) end() {
	if len(b.brief.data)+len(b.full.data) == 0 {
		return
	}
	w := writer{make([]byte, 0, headSize+len(b.brief.data)+len(b.full.data))}
	w.byte(packetVersion)
	w.uint64(b.packer.life)
	w.age(b.sent)
	w.count(b.briefs)
	w.data = append(append(w.data, b.brief.data...), b.full.data...)
	b.done = append(b.done, w.data)
	b.brief.data, b.full.data, b.briefs = b.brief.data[:0], b.full.data[:0], 0
}

func (b *batch) packets() [][]byte {
	b.end()
	return b.done
}
