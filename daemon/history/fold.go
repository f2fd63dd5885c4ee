package history

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// foldAfter is how long after its end an hour is folded: a probe that began in it may end
	// after it.
	foldAfter = 2 * time.Minute
	// foldAtOnce is how many series are folded in one transaction.
	foldAtOnce = 500
)

// fold puts the observations of the hours that are over into chunks, one part after the other,
// and sums them up. A part's rows of the log go in the transaction of its last chunk: what is
// done twice after a crash gives the same.
func (w *writer) fold(ctx context.Context) error {
	hour := hourOf(w.now().Add(-foldAfter).UnixMilli()) - 1
	if hour == w.folded {
		return nil
	}
	for part := range parts {
		if err := w.foldPart(ctx, part, hour); err != nil {
			return err
		}
	}
	if err := w.sumDays(ctx, hour); err != nil {
		return err
	}
	if err := w.sweep(ctx); err != nil {
		return err
	}
	w.folded = hour
	return nil
}

// betweenSlices lets the flush come in between, if it is due.
func (w *writer) betweenSlices(ctx context.Context) error {
	if w.now().Sub(w.flushed) < flushEvery {
		return ctx.Err()
	}
	return w.flush(ctx)
}

// A chunkKey says which chunk of a check an observation belongs to.
type chunkKey struct{ series, hour int64 }

// A foldedPart is what the log holds of a part.
type foldedPart struct {
	lastRow int64
	chunks  map[chunkKey][]observation
	checks  map[int64][]chunkKey
	rest    []observation // of the hour that goes on
}

// foldPart folds a part of the log.
func (w *writer) foldPart(ctx context.Context, part int, hour int64) error {
	f, err := w.readPart(ctx, part, hour)
	if err != nil || f.lastRow == 0 {
		return err
	}
	checks := slices.Sorted(maps.Keys(f.checks))
	for {
		n, series := 0, 0
		for n < len(checks) && (n == 0 || series+len(f.checks[checks[n]]) <= foldAtOnce) {
			series += len(f.checks[checks[n]])
			n++
		}
		slice := checks[:n]
		checks = checks[n:]
		err := w.transact(ctx, func(c change) error {
			for _, check := range slice {
				if err := w.foldCheck(c, check, f); err != nil {
					return err
				}
			}
			if len(checks) > 0 {
				return nil
			}
			return w.cutLog(c, part, f)
		})
		if err != nil || len(checks) == 0 {
			return err
		}
		if err := w.betweenSlices(ctx); err != nil {
			return err
		}
	}
}

// readPart reads the rows of a part, if there is something in them to be folded.
func (w *writer) readPart(ctx context.Context, part int, hour int64) (*foldedPart, error) {
	f := &foldedPart{chunks: map[chunkKey][]observation{}, checks: map[int64][]chunkKey{}}
	err := eachRow(ctx, w.db, "SELECT id, data FROM log WHERE part = ? ORDER BY id", []any{part}, func(scan scanner) error {
		var data sql.RawBytes
		if err := scan(&f.lastRow, &data); err != nil {
			return err
		}
		return readLog(data, func(o *observation) {
			if hourOf(o.at) > hour {
				f.rest = append(f.rest, *o)
				return
			}
			k := chunkKey{o.series, hourOf(o.at)}
			if f.chunks[k] == nil {
				check := w.checkOf[k.series]
				f.checks[check] = append(f.checks[check], k)
			}
			f.chunks[k] = append(f.chunks[k], *o)
		})
	})
	if len(f.chunks) == 0 {
		f.lastRow = 0
	}
	return f, err
}

// cutLog takes the rows that are folded out of the log. What was not folded is one row now.
func (w *writer) cutLog(c change, part int, f *foldedPart) error {
	if err := c.do("DELETE FROM log WHERE part = ? AND id <= ?", part, f.lastRow); err != nil || len(f.rest) == 0 {
		return err
	}
	row := &w.rows[part]
	begun := f.rest[0].at
	row.begin(begun)
	for i := range f.rest {
		row.addObservation(&f.rest[i], begun)
	}
	// In the place of the last one, so that it stands before what came after.
	return c.do("INSERT INTO log VALUES(?, ?, ?)", part, f.lastRow, row.data)
}

// foldCheck writes the chunks of a check, and sums up its hours.
func (w *writer) foldCheck(c change, check int64, f *foldedPart) error {
	hours := map[int64]bool{}
	for _, k := range f.checks[check] {
		hours[k.hour] = true
		list, err := w.readChunk(c, f.chunks[k], k)
		if err != nil {
			return err
		}
		list = mergeObservations(list)
		f.chunks[k] = list
		data, err := w.packer.packChunk(k.hour, list)
		if err != nil {
			return err
		}
		if err := c.do("INSERT OR REPLACE INTO chunk VALUES(?, ?, ?)", k.series, k.hour, data); err != nil {
			return err
		}
	}
	for hour := range hours {
		if err := w.sumHour(c, check, hour, f); err != nil {
			return err
		}
	}
	return nil
}

// readChunk appends what a chunk holds already, if there is one.
func (w *writer) readChunk(c change, list []observation, k chunkKey) ([]observation, error) {
	var data []byte
	err := c.QueryRowContext(c.ctx, "SELECT data FROM chunk WHERE series = ? AND hour = ?", k.series, k.hour).Scan(&data)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return list, nil
	case err != nil:
		return nil, err
	}
	return w.packer.unpackChunk(list, k.series, k.hour, data)
}

// sumHour sums up what all series of a check hold of an hour, anew.
func (w *writer) sumHour(c change, check, hour int64, f *foldedPart) error {
	w.sum = sum{}
	for _, series := range w.seriesOf[check] {
		k := chunkKey{series, hour}
		list := f.chunks[k]
		if list == nil {
			var err error
			if list, err = w.readChunk(c, nil, k); err != nil {
				return err
			}
		}
		for i := range list {
			w.sum.addObservation(&list[i])
		}
	}
	var d day
	var data []byte
	err := c.QueryRowContext(c.ctx, "SELECT data FROM hourly WHERE chk = ? AND day = ?", check, hour/24).Scan(&data)
	if err == nil {
		d, err = w.packer.unpackDay(data)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	d[hour%24] = w.sum.finish()
	if data, err = w.packer.packDay(&d); err != nil {
		return err
	}
	return c.do("INSERT OR REPLACE INTO hourly VALUES(?, ?, ?)", check, hour/24, data)
}

// sumDays sums up the days of the page's zone that are over and were not yet.
func (w *writer) sumDays(ctx context.Context, hour int64) error {
	zone := w.pageZone()
	end := time.UnixMilli((hour + 1) * hourMillis).In(zone)
	today := time.Date(end.Year(), end.Month(), end.Day(), 0, 0, 0, 0, zone)
	begin, err := w.firstUnsummed(ctx, zone)
	if err != nil {
		return err
	}
	for ; !begin.IsZero() && begin.Before(today); begin = nextDay(begin) {
		if err := w.sumDay(ctx, begin, nextDay(begin)); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) pageZone() *time.Location {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.zone
}

// nextDay returns the beginning of the next day, which may be 23 or 25 hours later.
func nextDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
}

// firstUnsummed returns the beginning of the first day that is not summed up; zero: there is
// nothing.
func (w *writer) firstUnsummed(ctx context.Context, zone *time.Location) (time.Time, error) {
	var first, done sql.NullInt64
	if err := w.db.QueryRowContext(ctx, "SELECT (SELECT min(day) FROM hourly), (SELECT v FROM meta WHERE k = 'summed')").Scan(&first, &done); err != nil || !first.Valid {
		return time.Time{}, err
	}
	begin := time.UnixMilli(first.Int64 * 24 * hourMillis)
	if done.Valid && done.Int64 > begin.UnixMilli() {
		begin = time.UnixMilli(done.Int64)
	}
	begin = begin.In(zone)
	return time.Date(begin.Year(), begin.Month(), begin.Day(), 0, 0, 0, 0, zone), nil
}

// sumDay sums up a day of all checks, in slices.
func (w *writer) sumDay(ctx context.Context, from, to time.Time) error {
	for _, slice := range w.checkSlices() {
		err := w.transact(ctx, func(c change) error {
			for _, check := range slice {
				if err := w.sumDayOf(c, check, from, to); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := w.betweenSlices(ctx); err != nil {
			return err
		}
	}
	return w.transact(ctx, func(c change) error { return c.do("INSERT OR REPLACE INTO meta VALUES('summed', ?)", to.UnixMilli()) })
}

// checkSlices returns the numbers of the checks that have observations, so many at a time as
// one transaction takes.
func (w *writer) checkSlices() [][]int64 {
	return slices.Collect(slices.Chunk(slices.Sorted(maps.Keys(w.seriesOf)), foldAtOnce))
}

// sumDayOf sums up the hours that begin in a day.
func (w *writer) sumDayOf(c change, check int64, from, to time.Time) error {
	w.sum = sum{}
	first, last := from.UnixMilli(), to.UnixMilli()
	query := "SELECT day, data FROM hourly WHERE chk = ? AND day BETWEEN ? AND ?"
	err := eachRow(c.ctx, c, query, []any{check, hourOf(first) / 24, hourOf(last-1) / 24}, func(scan scanner) error {
		var number int64
		var data sql.RawBytes
		if err := scan(&number, &data); err != nil {
			return err
		}
		d, err := w.packer.unpackDay(data)
		for h, r := range d {
			if at := (number*24 + int64(h)) * hourMillis; r != nil && at >= first && at < last {
				w.sum.addRollup(r)
			}
		}
		return err
	})
	if err != nil || w.sum.n == 0 {
		return err
	}
	return c.do("INSERT OR REPLACE INTO daily VALUES(?, ?, ?)", check, from.Unix(), appendRollup([]byte{dayVersion}, w.sum.finish()))
}
