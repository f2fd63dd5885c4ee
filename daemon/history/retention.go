package history

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const (
	hoursADay = 24
	// leastDetail and leastDays are kept whatever max_size says.
	leastDetail = 2 // hours
	leastDays   = 2
	// vacuumPages are given back to the file system in an hour, at most.
	vacuumPages = 1000
)

// limits are how long things are kept.
type limits struct {
	detail, hourly, daily int // hours, days, days
	incidents             time.Duration
}

// limitsOf returns the limits of a configuration.
func limitsOf(h *config.History) limits {
	l := limits{detail: 48, hourly: 90, daily: 400, incidents: 5 * 365 * hoursADay * time.Hour}
	if h.Detail > 0 {
		l.detail = int(h.Detail / time.Hour)
	}
	if h.Hourly > 0 {
		l.hourly = int(h.Hourly / (hoursADay * time.Hour))
	}
	if h.Daily > 0 {
		l.daily = int(h.Daily / (hoursADay * time.Hour))
	}
	if h.Incidents > 0 {
		l.incidents = h.Incidents
	}
	return l
}

// shrunk returns limits that keep a quarter less: of each probe first, then of the hours, then
// of the days. Incidents are kept.
func (l limits) shrunk() limits {
	switch {
	case l.detail > leastDetail:
		l.detail = max(l.detail*3/4, leastDetail)
	case l.hourly > leastDays:
		l.hourly = max(l.hourly*3/4, leastDays)
	case l.daily > leastDays:
		l.daily = max(l.daily*3/4, leastDays)
	}
	return l
}

// sweep deletes what is older than its limit, and gives free pages back. It is called once an
// hour, and does once a day what needs no more.
func (w *writer) sweep(ctx context.Context) error {
	if w.applied == nil {
		return nil
	}
	wanted := limitsOf(&w.applied.History)
	now := w.now()
	if err := w.sweepSamples(ctx, wanted, now); err != nil {
		return err
	}
	for kept := wanted; ; {
		tooLarge, err := w.tooLarge(ctx)
		smaller := kept.shrunk()
		if err != nil || !tooLarge || smaller == kept {
			break
		}
		kept = smaller
		if err := w.sweepSamples(ctx, kept, now); err != nil {
			return err
		}
	}
	if now.Sub(w.swept) >= hoursADay*time.Hour {
		if err := w.sweepDaily(ctx, wanted, now); err != nil {
			return err
		}
		w.swept = now
	}
	return w.vacuum(ctx)
}

// sweepSamples deletes old chunks, hours and days, some series or checks at a time.
func (w *writer) sweepSamples(ctx context.Context, l limits, now time.Time) error {
	hour := hourOf(now.UnixMilli())
	day := hour / hoursADay
	if err := w.deleteEach(ctx, slices.Sorted(maps.Keys(w.checkOf)), "DELETE FROM chunk WHERE series = ? AND hour < ?", hour-int64(l.detail)); err != nil {
		return err
	}
	if l.hourly == w.kept.hourly && l.daily == w.kept.daily && day == w.keptDay {
		return nil // there is nothing new to delete before tomorrow
	}
	checks := slices.Sorted(maps.Keys(w.seriesOf))
	if err := w.deleteEach(ctx, checks, "DELETE FROM hourly WHERE chk = ? AND day < ?", day-int64(l.hourly)); err != nil {
		return err
	}
	oldest := now.Add(-time.Duration(l.daily) * hoursADay * time.Hour).Unix()
	if err := w.deleteEach(ctx, checks, `DELETE FROM daily WHERE chk = ? AND "from" < ?`, oldest); err != nil {
		return err
	}
	w.kept, w.keptDay = l, day
	return nil
}

// deleteEach runs a statement for each number, so many in one transaction, and lets the flush
// come in between.
func (w *writer) deleteEach(ctx context.Context, numbers []int64, statement string, limit int64) error {
	for slice := range slices.Chunk(numbers, foldAtOnce) {
		err := w.transact(ctx, func(c change) error {
			for _, n := range slice {
				if err := c.do(statement, n, limit); err != nil {
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
	return nil
}

// tooLarge reports whether what is in the file has more bytes than max_size.
func (w *writer) tooLarge(ctx context.Context) (bool, error) {
	most := w.applied.History.MaxSize
	if most <= 0 {
		return false, nil
	}
	used, _, err := w.pages(ctx)
	return used*w.pageSize > most, err
}

// pages returns how many pages are in use, and how many are free.
func (w *writer) pages(ctx context.Context) (used, free int64, err error) {
	if err := w.db.QueryRowContext(ctx, "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size").
		Scan(&used, &free, &w.pageSize); err != nil {
		return 0, 0, err
	}
	return used - free, free, nil
}

// vacuum gives free pages back to the file system, some each hour, while there are many.
func (w *writer) vacuum(ctx context.Context) error {
	used, free, err := w.pages(ctx)
	if err != nil || free*10 <= used+free {
		return err
	}
	// A page is given back with each row that is asked for.
	return eachRow(ctx, w.db, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages), nil, func(scanner) error { return nil })
}
