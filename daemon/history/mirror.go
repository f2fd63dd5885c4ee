package history

import (
	"bytes"
	"compress/flate"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// mirrorAtOnce is how many incidents are written in one transaction.
const mirrorAtOnce = 1000

const (
	insertIncident = `INSERT INTO incident VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT(id) DO UPDATE SET chk = excluded.chk, severity = excluded.severity, reported = excluded.reported,
	acked = excluded.acked, told = excluded.told, ended = excluded.ended, closed_as = excluded.closed_as, phase = excluded.phase,
	cause = excluded.cause, seq = excluded.seq, data = excluded.data
	WHERE data IS NOT excluded.data OR chk IS NOT excluded.chk OR ended IS NOT excluded.ended OR told IS NOT excluded.told`
	// What is known of a bout is never taken back: the journal forgets events.
	insertBout = `INSERT INTO bout VALUES(?, ?, ?, ?) ON CONFLICT(incident, f) DO UPDATE
	SET t = coalesce(excluded.t, t), reported = coalesce(reported, excluded.reported)
	WHERE t IS NOT coalesce(excluded.t, t) OR reported IS NOT coalesce(reported, excluded.reported)`
)

// mirror writes the incidents that have changed. The first time it walks the whole ledger.
func (w *writer) mirror(ctx context.Context) error {
	if w.Changes == nil {
		return nil
	}
	w.mu.Lock()
	w.input.news = false
	w.mu.Unlock()
	changes, err := w.Changes(ctx, w.version)
	if err != nil {
		return nil //nolint:nilerr // the daemon is ending; the next start walks the whole ledger
	}
	known := make(map[incident.ID]bool, changes.Count)
	for first := 0; first < changes.Count; first += mirrorAtOnce {
		last := min(first+mirrorAtOnce, changes.Count)
		err := w.transact(ctx, func(c change) error { return w.mirrorSome(c, changes, first, last, known) })
		if err != nil {
			return err
		}
	}
	if !w.walked {
		if err := w.transact(ctx, func(c change) error { return w.endForgotten(c, known) }); err != nil {
			return err
		}
	}
	w.version, w.walked = changes.Version, true
	return nil
}

// mirrorSome writes the incidents from first until before last, and notes which they are.
func (w *writer) mirrorSome(c change, changes Changes, first, last int, known map[incident.ID]bool) error {
	for i := first; i < last; i++ {
		r, err := changes.Record(i)
		if err != nil {
			return err
		}
		known[r.Incident.ID] = true
		if err := w.mirrorIncident(c, &r, changes.Version); err != nil {
			return err
		}
	}
	return nil
}

// mirrorIncident writes an incident and its bouts.
func (w *writer) mirrorIncident(c change, r *Record, version uint64) error {
	in := &r.Incident
	known := w.checks[in.Check] != nil
	check, err := w.ensureRow(c, in.Check, "", in.StartedAt.UnixMilli())
	if err != nil {
		return err
	}
	if !known { // it left the files before the history was begun, or is none of the files
		if err := c.turn(check, absent, true, "", 0, 0); err != nil {
			return err
		}
	}
	if !w.walked {
		// The journal may have kept less of it than is here.
		if richer, err := w.knowsMore(c, in, len(r.JSON)); err != nil || richer {
			return err
		}
	}
	data, err := w.packer.packText(r.JSON)
	if err != nil {
		return err
	}
	ended := in.EndedAt
	err = c.do(insertIncident, string(in.ID), check.id, string(in.Condition), string(in.Severity), milli(in.StartedAt),
		orNull(milli(in.ReportedAt)), orNull(milli(in.AckedAt)), orNull(milli(r.Told)), orNull(milli(ended)), string(in.ClosedAs),
		in.Finding.Phase.String(), string(in.Finding.Cause), int64(version), data)
	if err != nil {
		return err
	}
	for _, b := range boutsOf(in, r.Events) {
		if err := c.do(insertBout, string(in.ID), b.from, orNull(b.to), orNull(b.reported)); err != nil {
			return err
		}
	}
	return nil
}

// knowsMore reports whether the file has more of an incident that has ended than a text of
// a size.
func (w *writer) knowsMore(c change, in *incident.Incident, size int) (bool, error) {
	var ended sql.NullInt64
	var as string
	var data []byte
	err := c.QueryRowContext(c.ctx, "SELECT ended, closed_as, data FROM incident WHERE id = ?", string(in.ID)).Scan(&ended, &as, &data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case as == "" || as != string(in.ClosedAs) || ended.Int64 != milli(in.EndedAt) || in.Unconfirmed:
		return false, nil
	}
	text, err := w.packer.unpack(data)
	return err == nil && len(text) > size, nil
}

// endForgotten ends the bouts of incidents that went on when the daemon was last alive and
// that the ledger does not know: a journal that was lost must not leave anything down for
// ever.
func (w *writer) endForgotten(c change, known map[incident.ID]bool) error {
	forgotten := map[string]int64{}
	err := eachRow(c.ctx, c, "SELECT incident, f FROM bout WHERE t IS NULL", nil, func(scan scanner) error {
		var id string
		var from int64
		err := scan(&id, &from)
		if !known[incident.ID(id)] {
			forgotten[id] = from
		}
		return err
	})
	if err != nil {
		return err
	}
	for id, from := range forgotten {
		end := max(from, w.begun.UnixMilli())
		if err := c.do("UPDATE bout SET t = ? WHERE incident = ? AND t IS NULL", end, id); err != nil {
			return err
		}
		if err := c.do("UPDATE incident SET ended = ?, closed_as = ? WHERE id = ? AND ended IS NULL", end, string(incident.Removed), id); err != nil {
			return err
		}
	}
	return nil
}

// A bout is one episode of an incident. to is 0 while it goes on, reported if it never was.
type bout struct{ from, to, reported int64 }

// boutsOf returns the episodes that the events of an incident tell of. Some events may have
// been forgotten between the first and the last ones.
func boutsOf(in *incident.Incident, events []incident.Event) (list []bout) {
	var last *bout
	begin := func(at int64) {
		list = append(list, bout{from: at})
		last = &list[len(list)-1]
	}
	seen := int64(0)
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case incident.Failing:
			if last != nil {
				last.to = max(seen, last.from) // its end was forgotten; nothing later is known of it
			}
			begin(milli(e.Since))
		case incident.Opened:
			if last == nil {
				begin(milli(e.Since))
			}
			last.reported = milli(e.At)
		case incident.Closed:
			if last != nil {
				last.to = max(milli(e.Since), last.from)
				last = nil
			}
		}
		seen = milli(e.At)
	}
	if len(list) == 0 {
		begin(milli(in.FailingSince))
		if !in.Unconfirmed {
			last.reported, last.to = milli(in.ReportedAt), milli(in.EndedAt)
		}
	}
	return list
}

// maxInflated bounds what a damaged file can make of a few bytes.
const maxInflated = 16 << 20

// inflate returns a text that packText has compressed.
func inflate(data []byte) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), maxInflated+1))
	if err == nil && len(text) > maxInflated {
		err = fmt.Errorf("more than %d bytes", maxInflated)
	}
	return text, err
}
