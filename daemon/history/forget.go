package history

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// oldIncidents are the first incidents that ended before a time, so many.
const oldIncidents = "(SELECT id FROM incident WHERE ended < ?1 ORDER BY ended, id LIMIT ?2)"

// sweepDaily deletes old incidents and intervals, and what nothing refers to any more.
func (w *writer) sweepDaily(ctx context.Context, l limits, now time.Time) error {
	limit := now.Add(-l.incidents).UnixMilli()
	for _, statements := range [][]string{
		{"DELETE FROM bout WHERE incident IN " + oldIncidents, "DELETE FROM incident WHERE id IN " + oldIncidents},
		{"DELETE FROM span WHERE (chk, f, kind) IN (SELECT chk, f, kind FROM span WHERE t < ?1 LIMIT ?2)"},
		{"DELETE FROM cert WHERE (chk, addr, sha256, first) IN (SELECT chk, addr, sha256, first FROM cert WHERE last < ?1 LIMIT ?2)"},
	} {
		if err := w.deleteUntilDone(ctx, limit, statements...); err != nil {
			return err
		}
	}
	if err := w.forgetChecks(ctx, limit); err != nil {
		return err
	}
	if err := w.forgetSeries(ctx); err != nil {
		return err
	}
	if limit > w.created {
		if err := w.transact(ctx, func(c change) error { return c.do("INSERT OR REPLACE INTO meta VALUES('forgotten', ?)", limit) }); err != nil {
			return err
		}
	}
	_, err := w.db.ExecContext(ctx, "PRAGMA optimize")
	return err
}

// deleteUntilDone runs statements, which delete so many rows at a time, until the last one finds
// nothing.
func (w *writer) deleteUntilDone(ctx context.Context, limit int64, statements ...string) error {
	for {
		var deleted int64
		err := w.transact(ctx, func(c change) error {
			for _, text := range statements {
				result, err := c.result(text, limit, foldAtOnce)
				if err != nil {
					return err
				}
				if deleted, err = result.RowsAffected(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || deleted == 0 {
			return err
		}
		if err := w.betweenSlices(ctx); err != nil {
			return err
		}
	}
}

// forgetChecks deletes the checks that have been absent since before a time and of which no
// incident is remembered.
func (w *writer) forgetChecks(ctx context.Context, limit int64) error {
	const absentSince = `SELECT id FROM chk WHERE EXISTS (SELECT 1 FROM span WHERE chk = chk.id AND kind = 'absent' AND t IS NULL AND f < ?)
		AND NOT EXISTS (SELECT 1 FROM incident WHERE chk = chk.id)`
	gone := map[int64]bool{}
	err := eachRow(ctx, w.db, absentSince, []any{limit}, func(scan scanner) error {
		var id int64
		err := scan(&id)
		gone[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(gone)) {
		err := w.transact(ctx, func(c change) error {
			for _, text := range []string{
				"DELETE FROM chunk WHERE series IN (SELECT id FROM series WHERE chk = ?)", "DELETE FROM series WHERE chk = ?",
				"DELETE FROM hourly WHERE chk = ?", "DELETE FROM daily WHERE chk = ?", "DELETE FROM cert WHERE chk = ?",
				"DELETE FROM span WHERE chk = ?", "DELETE FROM chk WHERE id = ?",
			} {
				if err := c.do(text, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		w.dropSeries(func(_ seriesOf, check int64) bool { return check == id })
	}
	maps.DeleteFunc(w.checks, func(_ config.CheckID, r *row) bool { return gone[r.id] })
	return nil
}

// forgetSeries deletes the series of which nothing is kept and nothing has come since the last
// look: a name may have another address each hour.
func (w *writer) forgetSeries(ctx context.Context) error {
	used := w.used
	w.used = map[int64]bool{}
	if used == nil {
		return nil // this process has not looked before
	}
	unused := map[int64]bool{}
	err := eachRow(ctx, w.db, "SELECT id FROM series WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE series = series.id)", nil, func(scan scanner) error {
		var id int64
		err := scan(&id)
		if !used[id] {
			unused[id] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	for slice := range slices.Chunk(slices.Sorted(maps.Keys(unused)), foldAtOnce) {
		err := w.transact(ctx, func(c change) error {
			for _, id := range slice {
				if err := c.do("DELETE FROM series WHERE id = ?", id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	w.dropSeries(func(k seriesOf, _ int64) bool { return unused[w.series[k]] })
	return nil
}

// dropSeries forgets series that were deleted.
func (w *writer) dropSeries(gone func(k seriesOf, check int64) bool) {
	for k, id := range w.series {
		if !gone(k, k.check) {
			continue
		}
		delete(w.series, k)
		delete(w.checkOf, id)
		left := slices.DeleteFunc(w.seriesOf[k.check], func(s int64) bool { return s == id })
		if w.seriesOf[k.check] = left; len(left) == 0 {
			delete(w.seriesOf, k.check)
		}
	}
}
