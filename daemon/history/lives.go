package history

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// A lifeReader gathers the lives of checks in a window.
type lifeReader struct {
	wanted   map[config.CheckID]bool
	from, to int64
	name     map[int64]config.CheckID // of the ids that are wanted
	few      []any                    // these ids, if they are so few that they are asked for one by one
	absent   map[int64][]availability.Interval
	lives    map[config.CheckID]availability.Life
	all      []availability.Interval // of all checks
}

// manyChecks is from how many on the whole table is read.
const manyChecks = 200

func newLifeReader(checks []config.CheckID, from, to time.Time) *lifeReader {
	l := &lifeReader{
		wanted: make(map[config.CheckID]bool, len(checks)), from: from.UnixMilli(), to: to.UnixMilli(),
		name: map[int64]config.CheckID{}, absent: map[int64][]availability.Interval{}, lives: map[config.CheckID]availability.Life{},
	}
	for _, id := range checks {
		l.wanted[id] = true
	}
	return l
}

// in returns the condition that a column is one of the ids that are wanted.
func (l *lifeReader) in(column string) string {
	if l.few == nil {
		return ""
	}
	return " AND " + column + " IN (0" + strings.Repeat(", ?", len(l.few)) + ")"
}

// readIDs reads which ids the checks have; a check that was moved may have several.
func (l *lifeReader) readIDs(ctx context.Context, tx *sql.Tx) error {
	add := func(scan scanner) error {
		var id int64
		var name config.CheckID
		err := scan(&id, &name)
		if l.wanted[name] {
			l.name[id] = name
		}
		return err
	}
	if len(l.wanted) > manyChecks {
		return eachRow(ctx, tx, "SELECT id, name FROM chk", nil, add)
	}
	l.few = []any{}
	for name := range l.wanted {
		if err := eachRow(ctx, tx, "SELECT id, name FROM chk WHERE name = ?", []any{string(name)}, add); err != nil {
			return err
		}
	}
	for id := range l.name {
		l.few = append(l.few, id)
	}
	return nil
}

func (l *lifeReader) readSpans(ctx context.Context, tx *sql.Tx) error {
	query := "SELECT chk, f, t, kind, why FROM span WHERE f < ? AND (t IS NULL OR t > ?)" + l.in("chk")
	return eachRow(ctx, tx, query, append([]any{l.to, l.from}, l.few...), func(scan scanner) error {
		var id, from int64
		var to sql.NullInt64
		i := availability.Interval{}
		if err := scan(&id, &from, &to, &i.Kind, &i.Why); err != nil {
			return err
		}
		i.From, i.To = time.UnixMilli(from).UTC(), moment(to)
		name, wanted := l.name[id]
		switch {
		case id == allChecks:
			l.all = append(l.all, i)
		case !wanted:
		case i.Kind == availability.Absent:
			l.absent[id] = append(l.absent[id], i)
		default:
			life := l.lives[name]
			life.Intervals = append(life.Intervals, i)
			l.lives[name] = life
		}
		return nil
	})
}

func (l *lifeReader) readBouts(ctx context.Context, tx *sql.Tx) error {
	query := `SELECT i.chk, i.condition, b.incident, b.f, b.t, b.reported FROM bout b JOIN incident i ON i.id = b.incident
		WHERE b.f < ? AND (b.t IS NULL OR b.t > ?)` + l.in("i.chk")
	return eachRow(ctx, tx, query, append([]any{l.to, l.from}, l.few...), func(scan scanner) error {
		var id, from int64
		var condition string
		var to, reported sql.NullInt64
		b := availability.Bout{}
		if err := scan(&id, &condition, &b.Incident, &from, &to, &reported); err != nil {
			return err
		}
		name, wanted := l.name[id]
		if !wanted {
			return nil
		}
		b.From, b.To, b.Reported = time.UnixMilli(from).UTC(), moment(to), moment(reported)
		b.Service = condition == string(config.ConditionService)
		life := l.lives[name]
		life.Bouts = append(life.Bouts, b)
		l.lives[name] = life
		return nil
	})
}

// finish returns the lives with what holds for all checks and with what is not written yet.
func (l *lifeReader) finish(unwritten map[config.CheckID]availability.Interval) map[config.CheckID]availability.Life {
	ids := map[config.CheckID][]int64{}
	for id, name := range l.name {
		ids[name] = append(ids[name], id)
	}
	for name := range l.wanted {
		life := l.lives[name]
		life.Intervals = append(life.Intervals, l.all...)
		life.Intervals = append(life.Intervals, l.absences(ids[name])...)
		// Written or not, it is one.
		if i, ok := unwritten[name]; ok && !slices.Contains(life.Intervals, i) {
			life.Intervals = append(life.Intervals, i)
		}
		slices.SortFunc(life.Intervals, func(a, b availability.Interval) int {
			return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Kind, b.Kind))
		})
		slices.SortFunc(life.Bouts, func(a, b availability.Bout) int {
			return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Incident, b.Incident))
		})
		l.lives[name] = life
	}
	return l.lives
}

// absences returns when a check was absent: when none of the ids that have had its name was in
// the files. Without an id it never was.
func (l *lifeReader) absences(ids []int64) []availability.Interval {
	common := []availability.Interval{{From: time.UnixMilli(0).UTC(), Kind: availability.Absent}}
	for _, id := range ids {
		common = intersect(common, l.absent[id])
	}
	return common
}

// intersect returns the times that are in both lists. Neither list overlaps itself.
func intersect(a, b []availability.Interval) (both []availability.Interval) {
	for _, x := range a {
		for _, y := range b {
			i := x
			if y.From.After(i.From) {
				i.From = y.From
			}
			if i.To.IsZero() || !y.To.IsZero() && y.To.Before(i.To) {
				i.To = y.To
			}
			if i.To.IsZero() || i.To.After(i.From) {
				both = append(both, i)
			}
		}
	}
	return both
}
