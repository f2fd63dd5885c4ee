package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// allChecks is the number, in the table span, of what holds for all checks.
const allChecks = 0

// The kinds of spans that go on until a configuration or the calendar ends them.
const (
	absent = iota
	paused
	maintenance
	lasting // how many there are
)

var kindOf = [lasting]availability.Kind{availability.Absent, availability.Paused, availability.Maintenance}

// notOpen is the beginning of a span that does not go on.
const notOpen = math.MinInt64

// A row is what the file holds of a check.
type row struct {
	id    int64
	label string
	open  [lasting]int64 // since when it is so; notOpen: it is not
}

func newRow(id int64, label string) *row {
	return &row{id, label, [lasting]int64{notOpen, notOpen, notOpen}}
}

const (
	insertSpan = "INSERT INTO span VALUES(?, ?, ?, ?, ?) ON CONFLICT(chk, f, kind) DO UPDATE SET t = excluded.t, why = excluded.why"
	endSpan    = "UPDATE span SET t = ? WHERE chk = ? AND f = ? AND kind = ?"
)

// span writes a span; to is 0 while it goes on.
func (c change) span(chk, from, to int64, kind availability.Kind, why string) error {
	return c.do(insertSpan, chk, from, orNull(to), string(kind), why)
}

// load reads what the file holds. If this process has not written it before, the time
// between is one in which nothing is known of any check.
func (w *writer) load(ctx context.Context) error {
	var ours bool
	err := w.transact(ctx, func(c change) error {
		meta, err := c.readMeta()
		if err != nil {
			return err
		}
		w.created, w.fresh = meta["created"], meta["configured"] == 0
		if ours = meta["run"] == w.process; !ours {
			if err := w.takeOver(c, meta); err != nil {
				return err
			}
		}
		return errors.Join(w.loadChecks(c), w.loadSeries(c))
	})
	if err != nil || ours || w.applied == nil {
		return err
	}
	// It has taken the place of another one, and does not know the configuration.
	cfg := w.applied
	w.applied = nil
	return w.transact(ctx, func(c change) error { return w.applyConfiguration(c, cfg, w.now().UnixMilli()) })
}

func (c change) readMeta() (map[string]int64, error) {
	meta := map[string]int64{}
	err := eachRow(c.ctx, c, "SELECT k, v FROM meta", nil, func(scan scanner) error {
		var k string
		var v int64
		err := scan(&k, &v)
		meta[k] = v
		return err
	})
	return meta, err
}

// takeOver has the file be written by this process.
func (w *writer) takeOver(c change, meta map[string]int64) error {
	from := w.begun.UnixMilli()
	if w.applied != nil { // this process has written another file until now
		from = w.now().UnixMilli()
	}
	w.resumed = meta["alive"]
	switch {
	case w.created == 0:
		w.created = from
		if err := c.do("INSERT INTO meta VALUES('created', ?)", w.created); err != nil {
			return err
		}
		if err := c.span(allChecks, 0, w.created, availability.Unknown, whyNoHistory); err != nil {
			return err
		}
	case w.resumed < from: // else the clock was set back
		if err := c.span(allChecks, w.resumed, from, availability.Unknown, whyStopped); err != nil {
			return err
		}
	}
	if err := c.do("UPDATE span SET t = max(f, ?) WHERE t IS NULL AND kind = ?", w.resumed, string(availability.Unknown)); err != nil {
		return err
	}
	return c.do("INSERT OR REPLACE INTO meta VALUES('run', ?)", w.process)
}

// loadChecks reads the checks, and which spans of them go on.
func (w *writer) loadChecks(c change) error {
	w.checks = map[config.CheckID]*row{}
	byID := map[int64]*row{}
	err := eachRow(c.ctx, c, "SELECT id, name, label FROM chk ORDER BY id", nil, func(scan scanner) error {
		var id int64
		var name, label string
		err := scan(&id, &name, &label)
		r := newRow(id, label)
		byID[id], w.checks[config.CheckID(name)] = r, r
		return err
	})
	if err != nil {
		return err
	}
	return eachRow(c.ctx, c, "SELECT chk, f, kind FROM span WHERE t IS NULL", nil, func(scan scanner) error {
		var id, from int64
		var kind string
		err := scan(&id, &from, &kind)
		if i := slices.Index(kindOf[:], availability.Kind(kind)); i >= 0 && byID[id] != nil {
			byID[id].open[i] = from
		}
		return err
	})
}

// applySteps writes what has happened to the checks, in its order, and the maintenance
// until now.
func (w *writer) applySteps(c change, steps []step, lostFrom, now int64) error {
	for i := range steps {
		st := &steps[i]
		var err error
		switch {
		case st.cfg != nil:
			err = w.applyConfiguration(c, st.cfg, st.from)
		case st.check != "":
			err = w.applyGap(c, st)
		}
		if err != nil {
			return err
		}
	}
	if lostFrom > 0 {
		if err := c.span(allChecks, lostFrom, max(now, lostFrom+1), availability.Unknown, whyNotKept); err != nil {
			return err
		}
	}
	return w.advanceMaintenance(c, now)
}

func (w *writer) applyGap(c change, st *step) error {
	r, err := w.ensureRow(c, st.check, "", st.from)
	if err != nil {
		return err
	}
	return c.span(r.id, st.from, st.to, availability.Unknown, st.why)
}

// ensureRow returns the row of a check. One that the file does not know was absent before.
func (w *writer) ensureRow(c change, id config.CheckID, label string, at int64) (*row, error) {
	if r := w.checks[id]; r != nil {
		return r, nil
	}
	result, err := c.result("INSERT INTO chk(name, label, seen) VALUES(?, ?, ?)", string(id), label, at)
	if err != nil {
		return nil, err
	}
	n, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	r := newRow(n, label)
	w.checks[id] = r
	return r, nil
}

// applyConfiguration writes which checks are absent, paused and in maintenance by a
// configuration that came into force at a time.
func (w *writer) applyConfiguration(c change, cfg *config.Config, at int64) error {
	if err := w.advanceMaintenance(c, at); err != nil {
		return err
	}
	if err := w.moveChecks(c, cfg, at); err != nil {
		return err
	}
	// What the files have ended while no daemon ran had ended when it was last seen to hold.
	end := at
	if w.resumed > 0 {
		end = min(at, w.resumed)
	}
	for _, check := range slices.SortedFunc(maps.Values(cfg.Checks), func(a, b *config.Check) int { return cmp.Compare(a.ID, b.ID) }) {
		if err := w.applyCheck(c, check, at, end); err != nil {
			return err
		}
	}
	for id, r := range w.checks {
		if cfg.Checks[id] == nil {
			if err := w.applyAbsence(c, r, at, end); err != nil {
				return err
			}
		}
	}
	if err := w.beginJudging(c, at); err != nil {
		return err
	}
	w.applied, w.calendar, w.fresh = cfg, calendar.New(cfg), false
	err := w.lookAtMaintenance(c, at, end)
	w.resumed = 0
	return err
}

// beginJudging writes that nothing was known of any check until the first configuration of
// this process: a check that is paused, or was never probed, has no moment in which it was up.
func (w *writer) beginJudging(c change, at int64) error {
	switch {
	case w.fresh:
		return errors.Join(
			c.do("INSERT INTO meta VALUES('configured', ?)", at),
			c.span(allChecks, 0, max(at, w.created), availability.Unknown, whyNoHistory))
	case w.resumed > 0 && w.resumed < w.begun.UnixMilli() && w.begun.UnixMilli() < at:
		return c.span(allChecks, w.resumed, at, availability.Unknown, whyStopped)
	}
	return nil
}

// applyCheck writes that a check is in the files.
func (w *writer) applyCheck(c change, check *config.Check, at, end int64) error {
	known := w.checks[check.ID] != nil
	r, err := w.ensureRow(c, check.ID, check.Label, at)
	switch {
	case err != nil:
		return err
	case !known && !w.fresh:
		if err := c.span(r.id, 0, at, availability.Absent, ""); err != nil {
			return err
		}
	case r.label != check.Label:
		if err := c.do("UPDATE chk SET label = ? WHERE id = ?", check.Label, r.id); err != nil {
			return err
		}
		r.label = check.Label
	}
	if err := c.turn(r, absent, false, "", at, end); err != nil {
		return err
	}
	return c.turn(r, paused, !check.Enabled, "", at, end)
}

// applyAbsence writes that a check is not in the files.
func (w *writer) applyAbsence(c change, r *row, at, end int64) error {
	if r.open[absent] == notOpen {
		if err := c.do("UPDATE chk SET seen = ? WHERE id = ?", at, r.id); err != nil {
			return err
		}
	}
	return errors.Join(
		c.turn(r, absent, true, "", at, end), c.turn(r, paused, false, "", at, end), c.turn(r, maintenance, false, "", at, end))
}

// turn begins a span of a check at a time, or ends it at a time, unless it is as it should be.
func (c change) turn(r *row, kind int, on bool, why string, at, end int64) error {
	from := r.open[kind]
	switch {
	case on == (from != notOpen):
		return nil
	case on:
		r.open[kind] = at
		return c.span(r.id, at, 0, kindOf[kind], why)
	}
	r.open[kind] = notOpen
	return c.do(endSpan, max(end, from), r.id, from, string(kindOf[kind]))
}

// moveChecks renames the checks that have another id now. A moved block may stay in the files
// for years: it renames what is there to be renamed.
func (w *writer) moveChecks(c change, cfg *config.Config, at int64) error {
	for _, m := range cfg.Moved {
		from, known := w.checks[m.From]
		_, stays := cfg.Checks[m.From]
		if _, exists := cfg.Checks[m.To]; !known || stays || !exists {
			continue
		}
		if err := c.do("UPDATE chk SET name = ? WHERE name = ?", string(m.To), string(m.From)); err != nil {
			return err
		}
		delete(w.checks, m.From)
		if to := w.checks[m.To]; to != nil && to.open[absent] == notOpen {
			// Both were there; what was the old one goes no further.
			if err := w.applyAbsence(c, from, at, at); err != nil {
				return err
			}
			continue
		}
		w.checks[m.To] = from
	}
	return nil
}

// advanceMaintenance writes which maintenance began and ended until a time, by the
// configuration that is written.
func (w *writer) advanceMaintenance(c change, to int64) error {
	if w.applied == nil {
		return nil
	}
	if to < w.advanced { // the clock was set back
		return w.lookAtMaintenance(c, to, to)
	}
	for w.next != 0 && w.next <= to {
		if err := w.lookAtMaintenance(c, w.next, w.next); err != nil {
			return err
		}
	}
	w.advanced = to
	return nil
}

// lookAtMaintenance writes which checks are in maintenance at a time, and notes until when
// nothing changes.
func (w *writer) lookAtMaintenance(c change, at, end int64) error {
	now := time.UnixMilli(at)
	w.advanced, w.next = at, 0
	for id, check := range w.applied.Checks {
		until, in := w.calendar.Maintenance(check, now)
		if err := c.turn(w.checks[id], maintenance, in, w.maintenanceName(check, now, in), at, end); err != nil {
			return err
		}
		if !until.IsZero() {
			// Rounded up: nothing has changed a fraction of a millisecond before.
			change := until.Add(time.Millisecond - 1).UnixMilli()
			if change <= at {
				change = at + 1
			}
			if w.next == 0 || change < w.next {
				w.next = change
			}
		}
	}
	return nil
}

func (w *writer) maintenanceName(check *config.Check, at time.Time, in bool) string {
	if !in {
		return ""
	}
	return w.calendar.MaintenanceName(check, at)
}

// A scanner reads the columns of a row.
type scanner func(columns ...any) error

// A queryer is asked for rows.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eachRow calls f for each row of an answer.
func eachRow(ctx context.Context, db queryer, query string, args []any, f func(scan scanner) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
