package agree

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// MaxPacket is the most bytes of a packet.
const MaxPacket = 64 << 10

// errPacket is the error about a packet that is none.
var errPacket = errors.New("a packet about what a node sees cannot be read")

// A writer writes the parts of a packet: numbers as varints, texts with their length before them.
type writer struct{ data []byte }

func (w *writer) byte(b byte)         { w.data = append(w.data, b) }
func (w *writer) uint32(n uint32)     { w.data = binary.BigEndian.AppendUint32(w.data, n) }
func (w *writer) uint64(n uint64)     { w.data = binary.BigEndian.AppendUint64(w.data, n) }
func (w *writer) uint(n uint64)       { w.data = binary.AppendUvarint(w.data, n) }
func (w *writer) int(n int64)         { w.data = binary.AppendVarint(w.data, n) }
func (w *writer) count(n int)         { w.uint(uint64(n)) }
func (w *writer) text(s string)       { w.count(len(s)); w.data = append(w.data, s...) }
func (w *writer) age(d time.Duration) { w.uint(uint64(max(0, d))) }

// moment writes a time that clocks of nodes have no part in, as that of a certificate.
func (w *writer) moment(t time.Time) {
	w.int(t.Unix())
	w.uint(uint64(t.Nanosecond()))
}

// A reader reads what a writer wrote. After the first mistake it reads nothing but zeros, and keeps the
// error. It never makes room for more than there are bytes left.
type reader struct {
	data []byte
	err  error
}

// take returns the next bytes.
func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.data) {
		r.fail()
		return nil
	}
	part := r.data[:n]
	r.data = r.data[n:]
	return part
}

func (r *reader) fail() {
	r.err, r.data = errPacket, nil
}

func (r *reader) byte() byte {
	if part := r.take(1); part != nil {
		return part[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if part := r.take(4); part != nil {
		return binary.BigEndian.Uint32(part)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if part := r.take(8); part != nil {
		return binary.BigEndian.Uint64(part)
	}
	return 0
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.data)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[size:]
	return n
}

// count reads how many elements follow, each of which takes a byte at least.
func (r *reader) count(most int) int {
	n := r.uint()
	if n > uint64(min(most, len(r.data))) {
		r.fail()
		return 0
	}
	return int(n)
}

// raw reads the bytes of a text, which are still those of the packet.
func (r *reader) raw() []byte {
	n := r.uint()
	if n > uint64(len(r.data)) {
		r.fail()
		return nil
	}
	return r.take(int(n))
}

// text reads a text of ours, and sanitises it all the same: whoever sent it may be no node of ours.
func (r *reader) text(most int) string { return opaque.Bounded(string(r.raw()), most) }

// longest is a duration that no monitor measures, so that no sum of them overflows.
const longest = 10 * 365 * 24 * time.Hour

// age reads a duration that is not negative.
func (r *reader) age() time.Duration {
	n := r.uint()
	if n > uint64(longest) {
		r.fail()
		return 0
	}
	return time.Duration(n)
}

// duration reads a duration, which may be negative where a clock was set.
func (r *reader) duration() time.Duration {
	d := time.Duration(r.int())
	if d > longest || d < -longest {
		r.fail()
		return 0
	}
	return d
}

// moment reads a time that is no duration.
func (r *reader) moment() time.Time {
	seconds, nanoseconds := r.int(), r.uint()
	if nanoseconds >= uint64(time.Second) {
		r.fail()
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC()
}
