package metrics

import (
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// A writer writes series as text, or has them written as protobuf. As text it makes no garbage: a
// series is appended to a buffer, which is handed on when it is nearly full. An error of the
// destination stays, and is returned by flush.
//
//	w.family(&checkUp)
//	w.label("check", "mx1/imaps")
//	w.value(1)
type writer struct {
	to          io.Writer
	openMetrics bool      // OpenMetrics 1.0, else the text format 0.0.4
	messages    *messages // protobuf; nil: text

	buf    []byte
	name   string // of the family that is written
	labels int    // of the series that is written
	err    error
}

const (
	writerSize = 64 << 10
	// A series is far shorter, unless the files have strange labels; then the buffer grows once.
	writerSpare = 2 << 10
)

// newWriter returns a writer of a format, beside an encoder of that format.
func newWriter(to io.Writer, format expfmt.Format, encoder expfmt.Encoder) *writer {
	w := &writer{to: to}
	switch format.FormatType() {
	case expfmt.TypeProtoDelim:
		w.messages = &messages{encoder: encoder}
		return w
	case expfmt.TypeOpenMetrics:
		w.openMetrics = true
	default:
	}
	w.buf = make([]byte, 0, writerSize)
	return w
}

// family begins the series of a family.
func (w *writer) family(f *family) {
	if w.messages != nil {
		w.note(w.messages.family(f))
		return
	}
	w.name = f.name
	name, kind := f.name, "gauge"
	if f.counter {
		kind = "counter"
		if w.openMetrics {
			// There the family has the name without the suffix of its series.
			name = strings.TrimSuffix(f.name, "_total")
		}
	}
	w.buf = append(append(append(append(w.buf, "# HELP "...), name...), ' '), f.help...)
	w.buf = append(append(append(append(w.buf, "\n# TYPE "...), name...), ' '), kind...)
	w.buf = append(w.buf, '\n')
}

// label adds a label to the series that comes next.
func (w *writer) label(name, value string) {
	if w.messages != nil {
		w.messages.label(name, value)
		return
	}
	w.beginLabel(name)
	for i := range len(value) {
		switch c := value[i]; c {
		case '\\', '"':
			w.buf = append(w.buf, '\\', c)
		case '\n':
			w.buf = append(w.buf, '\\', 'n')
		default:
			w.buf = append(w.buf, c)
		}
	}
	w.buf = append(w.buf, '"')
}

// address adds a label that holds an address.
func (w *writer) address(name string, ip netip.Addr) {
	if w.messages != nil {
		w.messages.label(name, ip.String())
		return
	}
	w.beginLabel(name)
	w.buf = append(ip.AppendTo(w.buf), '"') // a zone is the name of an interface, which has no quotes
}

func (w *writer) beginLabel(name string) {
	if w.labels == 0 {
		w.buf = append(append(w.buf, w.name...), '{')
	} else {
		w.buf = append(w.buf, ',')
	}
	w.labels++
	w.buf = append(append(w.buf, name...), '=', '"')
}

// value ends a series with its value.
func (w *writer) value(v float64) {
	if w.messages != nil {
		w.messages.value(v)
		return
	}
	if w.labels == 0 {
		w.buf = append(append(w.buf, w.name...), ' ')
	} else {
		w.buf = append(w.buf, '}', ' ')
	}
	w.labels = 0
	// Whole numbers are most of all, and quicker so. Beyond 2^53 they would be no whole numbers.
	if n := int64(v); float64(n) == v && math.Abs(v) < 1<<53 {
		w.buf = strconv.AppendInt(w.buf, n, 10)
	} else {
		w.buf = strconv.AppendFloat(w.buf, v, 'g', -1, 64)
	}
	w.buf = append(w.buf, '\n')
	if len(w.buf) > writerSize-writerSpare {
		w.drain()
	}
}

// drain hands on what is in the buffer.
func (w *writer) drain() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.to.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// note keeps the first error.
func (w *writer) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// flush hands on the rest, and returns the first error that there was.
func (w *writer) flush() error {
	if w.messages != nil {
		w.note(w.messages.end())
	}
	w.drain()
	return w.err
}

// oneIf returns 1 for true, 0 for false.
func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
