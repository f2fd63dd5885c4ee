package history

import (
	"encoding/binary"
	"math/bits"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A rollup is what the probes of a check came to in an hour or a day.
type rollup struct {
	n, ok, degraded, down, unknown uint32
	total                          histogram // how long good conversations took
	// The medians and 95th percentiles of the phases; 0: nothing was measured.
	p50, p95 [config.PhaseCount]bucket
}

// A sum gathers observations and roll-ups.
type sum struct {
	rollup
	phases [config.PhaseCount]histogram
	// Of roll-ups, the percentiles of the phases, each as often as there were probes.
	halves, most [config.PhaseCount]histogram
}

// addObservation counts one conversation, and the probe if it is the first of it.
func (s *sum) addObservation(o *observation) {
	if o.status.first() {
		s.n++
		switch o.status.check() {
		case incident.OK:
			s.ok++
		case incident.Degraded:
			s.degraded++
		case incident.Down:
			s.down++
		case incident.Unknown:
			s.unknown++
		}
	}
	if !o.status.good() {
		return
	}
	for p, b := range o.times {
		if b != 0 {
			s.phases[p][b]++
		}
	}
	if b := o.times[config.WholeConversation]; b != 0 {
		s.total[b]++
	}
}

// addRollup adds what probes came to before.
func (s *sum) addRollup(r *rollup) {
	s.n += r.n
	s.ok += r.ok
	s.degraded += r.degraded
	s.down += r.down
	s.unknown += r.unknown
	for b, n := range r.total {
		s.total[b] += n
	}
	for p := range r.p50 {
		if r.p50[p] != 0 {
			s.halves[p][r.p50[p]] += r.n
			s.most[p][r.p95[p]] += r.n
		}
	}
}

// percentile returns how long a phase took in a share of the good conversations. Of the whole
// conversation that is exact to the bucket. Of a phase, where there are only roll-ups, it is
// the median of their medians, or the median of their 95th percentiles; there is no other.
func (s *sum) percentile(p config.Phase, share float64) bucket {
	if p == config.WholeConversation {
		return s.total.percentile(share)
	}
	own := s.phases[p].percentile(share)
	if own != 0 {
		return own
	}
	switch share {
	case 0.5:
		return s.halves[p].percentile(0.5)
	case 0.95:
		return s.most[p].percentile(0.5)
	}
	return 0
}

// finish returns the sum as a roll-up.
func (s *sum) finish() *rollup {
	for p := range config.Phases() {
		s.p50[p], s.p95[p] = s.percentile(p, 0.5), s.percentile(p, 0.95)
	}
	return &s.rollup
}

// appendRollup writes a roll-up.
func appendRollup(raw []byte, r *rollup) []byte {
	for _, n := range []uint32{r.n, r.ok, r.degraded, r.down, r.unknown} {
		raw = binary.AppendUvarint(raw, uint64(n))
	}
	var mask uint16
	for p, b := range r.p50 {
		if b != 0 {
			mask |= 1 << p
		}
	}
	raw = binary.LittleEndian.AppendUint16(raw, mask)
	for p, b := range r.p50 {
		if b != 0 {
			raw = append(raw, b, r.p95[p])
		}
	}
	used := 0
	for _, n := range r.total {
		if n > 0 {
			used++
		}
	}
	raw = append(raw, byte(used)) // 254 at most
	last := 0
	for b, n := range r.total {
		if n > 0 {
			raw = append(raw, byte(b-last))
			raw = binary.AppendUvarint(raw, uint64(n))
			last = b
		}
	}
	return raw
}

// A reader reads numbers; after the first that is missing all are 0.
type reader struct {
	raw    []byte
	failed bool
}

func (r *reader) uvarint() uint32 {
	v, n := binary.Uvarint(r.raw)
	if n <= 0 || v > 1<<32-1 {
		r.raw, r.failed = nil, true
		return 0
	}
	r.raw = r.raw[n:]
	return uint32(v)
}

func (r *reader) byte() byte {
	if len(r.raw) == 0 {
		r.failed = true
		return 0
	}
	b := r.raw[0]
	r.raw = r.raw[1:]
	return b
}

// readRollup reads what appendRollup wrote.
func (r *reader) readRollup() (list *rollup) {
	u := &rollup{n: r.uvarint(), ok: r.uvarint(), degraded: r.uvarint(), down: r.uvarint(), unknown: r.uvarint()}
	mask := uint16(r.byte()) | uint16(r.byte())<<8
	for p := range u.p50 {
		if mask>>p&1 == 1 {
			u.p50[p], u.p95[p] = r.byte(), r.byte()
		}
	}
	b := 0
	for range r.byte() {
		b += int(r.byte())
		n := r.uvarint()
		if b >= len(u.total) {
			r.failed = true
			return u
		}
		u.total[b] = n
	}
	return u
}

// A day holds the roll-ups of the hours of a day, in UTC; nil: there was no probe.
type day [24]*rollup

const dayVersion = 1

// packDay returns a day compressed.
func (p *packer) packDay(d *day) ([]byte, error) {
	var mask uint32
	for h, r := range d {
		if r != nil {
			mask |= 1 << h
		}
	}
	p.raw = append(p.raw[:0], dayVersion, byte(mask), byte(mask>>8), byte(mask>>16))
	for _, r := range d {
		if r != nil {
			p.raw = appendRollup(p.raw, r)
		}
	}
	return p.pack()
}

// unpackDay takes back what packDay has done.
func (p *packer) unpackDay(data []byte) (d day, err error) {
	raw, err := p.unpack(data)
	if err != nil || len(raw) < 4 || raw[0] != dayVersion {
		return d, errGarbled
	}
	mask := uint32(raw[1]) | uint32(raw[2])<<8 | uint32(raw[3])<<16
	r := reader{raw: raw[4:]}
	for mask != 0 && !r.failed {
		h := bits.TrailingZeros32(mask)
		d[h] = r.readRollup()
		mask &^= 1 << h
	}
	if r.failed {
		return d, errGarbled
	}
	return d, nil
}
