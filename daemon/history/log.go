package history

import (
	"encoding/binary"
	"errors"
)

// parts is how many rows of the log one flush makes: each holds the checks whose number gives
// the same remainder, so that the fold has a part of the observations at a time in memory.
const parts = 16

// errGarbled says that a row is not as this program writes it.
var errGarbled = errors.New("a row of the history is damaged")

// A logRow gathers the observations of a part: a version, a time, and then records whose place
// is their series.
type logRow struct{ data []byte }

const logVersion = 1

func (l *logRow) begin(at int64) {
	l.data = binary.AppendVarint(append(l.data[:0], logVersion), at)
}

// add appends a record of a batch, as it is but for whose it is.
func (l *logRow) add(series int64, record []byte) {
	l.data = append(binary.AppendUvarint(l.data, uint64(series)), record...)
}

// addObservation appends an observation that is no record any more.
func (l *logRow) addObservation(o *observation, begun int64) {
	l.data = binary.AppendUvarint(l.data, uint64(o.series))
	l.data = binary.AppendVarint(l.data, o.at-begun)
	var mask uint16
	for p, b := range o.times {
		if b > 0 {
			mask |= 1 << p
		}
	}
	l.data = append(l.data, byte(o.status), byte(mask), byte(mask>>8))
	for _, b := range o.times {
		if b > 0 {
			l.data = append(l.data, b)
		}
	}
}

// readLog calls f for each observation of a row.
func readLog(data []byte, f func(o *observation)) error {
	if len(data) == 0 || data[0] != logVersion {
		return errGarbled
	}
	begun, n := binary.Varint(data[1:])
	if n <= 0 {
		return errGarbled
	}
	data = data[1+n:]
	for len(data) > 0 {
		o, rest, ok := nextRecord(data, begun)
		if !ok {
			return errGarbled
		}
		f(&o)
		data = rest
	}
	return nil
}

// writeBatches appends batches to the log.
func (w *writer) writeBatches(c change, batches []takenBatch) error {
	for i := range batches {
		if err := w.writeBatch(c, &batches[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) writeBatch(c change, b *takenBatch) error {
	type target struct{ series, part int64 }
	targets := make([]target, len(b.keys))
	for i := range b.keys {
		r, err := w.ensureRow(c, b.keys[i].check, "", b.begun)
		if err != nil {
			return err
		}
		series, err := w.ensureSeries(c, r.id, &b.keys[i])
		if err != nil {
			return err
		}
		targets[i] = target{series, r.id % parts}
		if w.used != nil {
			w.used[series] = true
		}
	}
	for i := range w.rows {
		w.rows[i].begin(b.begun)
	}
	for data := b.data; len(data) > 0; {
		o, rest, ok := nextRecord(data, b.begun)
		if !ok {
			return errGarbled
		}
		_, n := binary.Uvarint(data)
		t := targets[o.series]
		w.rows[t.part].add(t.series, data[n:len(data)-len(rest)])
		data = rest
	}
	empty := len(binary.AppendVarint([]byte{logVersion}, b.begun))
	for part := range w.rows {
		if len(w.rows[part].data) == empty {
			continue
		}
		if err := w.appendLog(c, part, w.rows[part].data); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) appendLog(c change, part int, data []byte) error {
	w.lastLog = max(w.lastLog+1, w.now().UnixMilli()) // in the order of time also after a restart
	return c.do("INSERT INTO log VALUES(?, ?, ?)", part, w.lastLog, data)
}

// ensureSeries returns the number of a series.
func (w *writer) ensureSeries(c change, check int64, key *seriesKey) (int64, error) {
	k := seriesOf{check, key.node, key.addr}
	if id, known := w.series[k]; known {
		return id, nil
	}
	result, err := c.result("INSERT INTO series(chk, node, addr) VALUES(?, ?, nullif(?, ''))", check, key.node, key.addr)
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return 0, err
	}
	w.series[k] = id
	w.checkOf[id] = check
	w.seriesOf[check] = append(w.seriesOf[check], id)
	return id, nil
}

// A seriesOf names a series by the number of its check, which no moved block changes.
type seriesOf struct {
	check      int64
	node, addr string
}

// loadSeries reads which series there are, and where the log ends.
func (w *writer) loadSeries(c change) error {
	w.series, w.checkOf, w.seriesOf = map[seriesOf]int64{}, map[int64]int64{}, map[int64][]int64{}
	err := eachRow(c.ctx, c, "SELECT id, chk, node, coalesce(addr, '') FROM series", nil, func(scan scanner) error {
		var id int64
		var k seriesOf
		err := scan(&id, &k.check, &k.node, &k.addr)
		w.series[k], w.checkOf[id] = id, k.check
		w.seriesOf[k.check] = append(w.seriesOf[k.check], id)
		return err
	})
	if err != nil {
		return err
	}
	return c.QueryRowContext(c.ctx, "SELECT coalesce(max(id), 0) FROM log").Scan(&w.lastLog)
}
