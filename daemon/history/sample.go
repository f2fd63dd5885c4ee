package history

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// maxBuffer and maxWait bound the samples that wait for the writer.
	maxBuffer = 8 << 20
	maxWait   = 2 * time.Minute
	// fullBatch is how much makes the writer come sooner.
	fullBatch = 1 << 20
)

// An observation is what one conversation came to.
type observation struct {
	series int64
	at     int64
	status status
	times  [config.PhaseCount]bucket
}

// A status says how an address was, and how the check was: the probe it belongs to is counted
// where first is set.
type status uint8

const (
	healthMask  = 3
	checkShift  = 2
	firstStatus = 1 << 4
	addressless = 1 << 5 // nobody was talked to
)

var healthCodes = [4]incident.Health{incident.OK, incident.Degraded, incident.Down, incident.Unknown}

func healthCode(h incident.Health) status {
	switch h {
	case incident.OK:
		return 0
	case incident.Degraded:
		return 1
	case incident.Down:
		return 2
	case incident.Unknown:
	}
	return 3
}

func (s status) address() incident.Health { return healthCodes[s&healthMask] }
func (s status) check() incident.Health   { return healthCodes[s>>checkShift&healthMask] }
func (s status) first() bool              { return s&firstStatus != 0 }

// good reports whether the conversation came to its end, so that its duration tells how fast
// the service is.
func (s status) good() bool {
	return s&addressless == 0 && (s.address() == incident.OK || s.address() == incident.Degraded)
}

// samples are the observations that wait for the writer, in batches of ten seconds.
type samples struct {
	batches []*batch // the last one is being filled
	size    int
}

// A batch is observations, as appendRecord writes them.
type batch struct {
	begun   int64
	data    []byte
	n       int
	from    []*address // whose they are
	taken   bool       // the writer is at it
	dropped bool
}

// An address is one of a check, with what is known of it in memory.
type address struct {
	check *watched
	node  string
	ip    netip.Addr // not valid: the check as a whole
	batch *batch     // the last one in which it is
	place int        // in from of that batch
	last  int64      // when it was last observed
	certs []*shownCertificate
}

// maxAddresses is how many addresses of a check are remembered; a name has 64 at most.
const maxAddresses = 64

// addressOf returns what is known of an address of a check.
func (c *watched) addressOf(node string, ip netip.Addr) *address {
	for _, a := range c.addresses {
		if a.ip == ip && a.node == node {
			return a
		}
	}
	a := &address{check: c, node: node, ip: ip}
	if len(c.addresses) < maxAddresses {
		c.addresses = append(c.addresses, a)
		return a
	}
	oldest := 0
	for i, o := range c.addresses {
		if o.last < c.addresses[oldest].last {
			oldest = i
		}
	}
	c.addresses[oldest] = a
	return a
}

// addSample keeps the observations of a result, and reports whether the writer should come.
func (in *input) addSample(c *watched, r *incident.Result, at int64) (full bool) {
	b := in.batch(at)
	whole := healthCode(r.Health())
	if r.Observed == 0 {
		whole = healthCode(incident.Unknown)
	}
	before := len(b.data)
	st := whole<<checkShift | firstStatus
	if len(r.Addresses) == 0 {
		b.add(c.addressOf("", netip.Addr{}), at, st|addressless|whole, &config.PhaseTimes{})
	}
	for i := range r.Addresses {
		a := &r.Addresses[i]
		known := c.addressOf(a.Node, a.IP)
		b.add(known, at, st|healthCode(a.Health), &a.Timings)
		if a.TLS != nil {
			known.noteCertificate(a.TLS, at)
		}
		st &^= firstStatus
	}
	in.samples.size += len(b.data) - before
	return len(b.data) >= fullBatch
}

// batch returns the batch that is being filled. If too much waits the oldest one is dropped.
func (in *input) batch(at int64) *batch {
	s := &in.samples
	if n := len(s.batches); n > 0 {
		last := s.batches[n-1]
		if !last.taken && len(last.data) < fullBatch && max(at-last.begun, last.begun-at) < flushEvery.Milliseconds() {
			return last
		}
	}
	for len(s.batches) > 0 && (s.size > maxBuffer-fullBatch || at-s.batches[0].begun > maxWait.Milliseconds()) {
		in.dropOldestBatch()
	}
	b := &batch{begun: at}
	s.batches = append(s.batches, b)
	return b
}

func (in *input) dropOldestBatch() {
	s := &in.samples
	old := s.batches[0]
	s.batches = slices.Delete(s.batches, 0, 1)
	s.size -= len(old.data)
	old.dropped = true
	in.dropped += uint64(old.n)
}

// add appends an observation: whose, when after the batch was begun, the status, which phases
// were timed, and how long they took.
func (b *batch) add(a *address, at int64, st status, times *config.PhaseTimes) {
	if a.batch != b {
		a.batch, a.place = b, len(b.from)
		b.from = append(b.from, a)
	}
	a.last = at
	b.n++
	b.data = binary.AppendUvarint(b.data, uint64(a.place))
	b.data = binary.AppendVarint(b.data, at-b.begun)
	var mask uint16
	var codes [config.PhaseCount]bucket
	n := 0
	for p, d := range times {
		if d > 0 {
			mask |= 1 << p
			codes[n] = bucketOf(d)
			n++
		}
	}
	b.data = append(b.data, byte(st), byte(mask), byte(mask>>8))
	b.data = append(b.data, codes[:n]...)
}

// nextRecord reads one observation; ok is false at the end, and where the data is damaged.
// Its series is the place that it was written with.
func nextRecord(data []byte, begun int64) (o observation, rest []byte, ok bool) {
	place, n := binary.Uvarint(data)
	if n <= 0 {
		return o, nil, false
	}
	data = data[n:]
	after, n := binary.Varint(data)
	if n <= 0 || len(data) < n+3 {
		return o, nil, false
	}
	data = data[n:]
	o.series, o.at, o.status = int64(place), begun+after, status(data[0])
	mask := uint16(data[1]) | uint16(data[2])<<8
	data = data[3:]
	for p := range o.times {
		if mask>>p&1 == 0 {
			continue
		}
		if len(data) == 0 {
			return o, nil, false
		}
		o.times[p], data = data[0], data[1:]
	}
	return o, data, true
}

// A seriesKey says whose observations a series holds.
type seriesKey struct {
	check config.CheckID
	node  string
	addr  string // empty: of the check as a whole
}

// A takenBatch is a batch that is being written, and whose observations it holds.
type takenBatch struct {
	*batch
	keys []seriesKey
}

// takeBatches returns the batches that wait. They stay where they are until forgetBatches.
func (s *Store) takeBatches() []takenBatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]takenBatch, 0, len(s.input.samples.batches))
	for _, b := range s.input.samples.batches {
		b.taken = true
		t := takenBatch{b, make([]seriesKey, len(b.from))}
		for i, a := range b.from {
			t.keys[i] = seriesKey{check: a.check.id, node: a.node}
			if a.ip.IsValid() {
				t.keys[i].addr = a.ip.String()
			}
		}
		list = append(list, t)
	}
	return list
}

// forgetBatches drops batches that are written.
func (s *Store) forgetBatches(written []takenBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &s.input
	for _, t := range written {
		if t.dropped {
			in.dropped -= uint64(t.n) // it came to the disk all the same
			continue
		}
		in.samples.size -= len(t.data)
	}
	in.samples.batches = slices.DeleteFunc(in.samples.batches, func(b *batch) bool {
		return slices.ContainsFunc(written, func(t takenBatch) bool { return t.batch == b })
	})
}
