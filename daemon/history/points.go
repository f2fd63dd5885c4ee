package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Point is what the probes of a check came to in a step of time.
type Point struct {
	At                          time.Time // when the step begins
	N                           int       // probes
	OK, Degraded, Down, Unknown int       // of them
	// Percentiles of the good conversations, by phase, right to three per cent; 0: nothing
	// was measured. Where each probe is not kept any more there is no P99 of a phase, and the
	// others are medians of the hours.
	P50, P95, P99 config.PhaseTimes
	Max           time.Duration // the longest good conversation
}

// Points returns what the probes of a check came to in a window, a point for each step in which
// there was one. Before what is kept of each probe a step has no less than an hour, or a day.
func (s *Store) Points(ctx context.Context, check config.CheckID, from, to time.Time, step time.Duration) (list []Point, err error) {
	if step < time.Millisecond || !from.Before(to) {
		return nil, errors.New("a window and a step are needed")
	}
	r := sampleReader{from: from.UnixMilli(), to: to.UnixMilli(), packer: newPacker(), seen: map[int64]bool{}}
	err = s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // nothing is folded meanwhile
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := r.readSeries(ctx, tx, check); err != nil {
			return err
		}
		return errors.Join(r.readChunks(ctx, tx), r.readLog(ctx, tx), r.readHourly(ctx, tx), r.readDaily(ctx, tx))
	})
	if err != nil {
		return nil, err
	}
	return r.points(step.Milliseconds()), nil
}

// A summed is a roll-up, and when what it sums up began.
type summed struct {
	at int64
	*rollup
}

// A sampleReader gathers the samples of a check in a window.
type sampleReader struct {
	from, to int64
	packer   *packer
	checks   []int64 // a check that was moved may have several numbers
	series   map[int64]netip.Addr
	list     []observation
	seen     map[int64]bool // hours of which there are observations
	sums     []summed
}

// readSeries reads which series a check has.
func (r *sampleReader) readSeries(ctx context.Context, db queryer, check config.CheckID) error {
	r.series = map[int64]netip.Addr{}
	err := eachRow(ctx, db, "SELECT id FROM chk WHERE name = ?", []any{string(check)}, func(scan scanner) error {
		var id int64
		err := scan(&id)
		r.checks = append(r.checks, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range r.checks {
		err := eachRow(ctx, db, "SELECT id, coalesce(addr, '') FROM series WHERE chk = ?", []any{id}, func(scan scanner) error {
			var series int64
			var addr string
			err := scan(&series, &addr)
			r.series[series], _ = netip.ParseAddr(addr)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *sampleReader) readChunks(ctx context.Context, db queryer) error {
	for series := range r.series {
		query := "SELECT hour, data FROM chunk WHERE series = ? AND hour BETWEEN ? AND ?"
		err := eachRow(ctx, db, query, []any{series, hourOf(r.from), hourOf(r.to)}, func(scan scanner) (err error) {
			var hour int64
			var data sql.RawBytes
			if err := scan(&hour, &data); err != nil {
				return err
			}
			r.seen[hour] = true
			r.list, err = r.packer.unpackChunk(r.list, series, hour, data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readLog reads what is not folded yet.
func (r *sampleReader) readLog(ctx context.Context, db queryer) error {
	for _, check := range r.checks {
		err := eachRow(ctx, db, "SELECT data FROM log WHERE part = ?", []any{check % parts}, func(scan scanner) error {
			var data sql.RawBytes
			if err := scan(&data); err != nil {
				return err
			}
			return readLog(data, func(o *observation) {
				if _, ours := r.series[o.series]; ours {
					r.seen[hourOf(o.at)] = true
					r.list = append(r.list, *o)
				}
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *sampleReader) readHourly(ctx context.Context, db queryer) error {
	for _, check := range r.checks {
		query := "SELECT day, data FROM hourly WHERE chk = ? AND day BETWEEN ? AND ?"
		err := eachRow(ctx, db, query, []any{check, hourOf(r.from) / 24, hourOf(r.to) / 24}, func(scan scanner) error {
			var number int64
			var data sql.RawBytes
			if err := scan(&number, &data); err != nil {
				return err
			}
			d, err := r.packer.unpackDay(data)
			for h, u := range d {
				if hour := number*24 + int64(h); u != nil && !r.seen[hour] {
					r.sums = append(r.sums, summed{hour * hourMillis, u})
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readDaily reads the days of which there are no hours any more.
func (r *sampleReader) readDaily(ctx context.Context, db queryer) error {
	for _, check := range r.checks {
		query := `SELECT "from", data FROM daily WHERE chk = ?1 AND "from" BETWEEN ?2 AND ?3 AND
			("from" + 86400) * 1000 <= coalesce((SELECT min(day) FROM hourly WHERE chk = ?1) * 86400000, 1 << 62)`
		const longestDay = 25 * 3600
		err := eachRow(ctx, db, query, []any{check, r.from/1000 - longestDay, r.to / 1000}, func(scan scanner) error {
			var from int64
			var data sql.RawBytes
			if err := scan(&from, &data); err != nil {
				return err
			}
			u, err := readDay(data)
			r.sums = append(r.sums, summed{from * 1000, u})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readDay reads the roll-up of a day.
func readDay(data []byte) (*rollup, error) {
	if len(data) == 0 || data[0] != dayVersion {
		return nil, errGarbled
	}
	in := reader{raw: data[1:]}
	u := in.readRollup()
	if in.failed {
		return nil, errGarbled
	}
	return u, nil
}

// points sums up what was read, a point a step.
func (r *sampleReader) points(step int64) (list []Point) {
	slices.SortFunc(r.list, func(a, b observation) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.series, b.series)) })
	slices.SortFunc(r.sums, func(a, b summed) int { return cmp.Compare(a.at, b.at) })
	stepOf := func(at int64) int64 { return (max(at, r.from) - r.from) / step }
	observations, sums := r.list, r.sums
	total := new(sum)
	for len(observations) > 0 || len(sums) > 0 {
		next := int64(1) << 62
		if len(observations) > 0 {
			next = stepOf(observations[0].at)
		}
		if len(sums) > 0 {
			next = min(next, stepOf(sums[0].at))
		}
		*total = sum{}
		for ; len(observations) > 0 && stepOf(observations[0].at) == next; observations = observations[1:] {
			if at := observations[0].at; at >= r.from && at < r.to {
				total.addObservation(&observations[0])
			}
		}
		for ; len(sums) > 0 && stepOf(sums[0].at) == next; sums = sums[1:] {
			if sums[0].at < r.to && sums[0].at+hourMillis > r.from {
				total.addRollup(sums[0].rollup)
			}
		}
		if total.n > 0 || total.total.longest() > 0 {
			list = append(list, total.point(r.from+next*step))
		}
	}
	return list
}

// point returns the sum as people see it.
func (s *sum) point(at int64) Point {
	p := Point{
		At: time.UnixMilli(at).UTC(), N: int(s.n), OK: int(s.ok), Degraded: int(s.degraded), Down: int(s.down), Unknown: int(s.unknown),
		Max: bucketMiddle[s.total.longest()],
	}
	for phase := range config.TimedPhases() {
		p.P50[phase] = bucketMiddle[s.percentile(phase, 0.5)]
		p.P95[phase] = bucketMiddle[s.percentile(phase, 0.95)]
		p.P99[phase] = bucketMiddle[s.percentile(phase, 0.99)]
	}
	return p
}

// A Ghost is how long the phases of a conversation with an address usually take: the medians
// of what is kept of each probe, of the last 7 days at most.
type Ghost struct {
	Address netip.Addr
	N       int // good conversations
	Median  config.PhaseTimes
}

// ghostTime is how far a ghost looks back.
const ghostTime = 7 * 24 * time.Hour

// Ghost returns how long conversations with the addresses of a check usually take.
func (s *Store) Ghost(ctx context.Context, check config.CheckID) (list []Ghost, err error) {
	now := s.now()
	r := sampleReader{from: now.Add(-ghostTime).UnixMilli(), to: now.UnixMilli(), packer: newPacker(), seen: map[int64]bool{}}
	err = s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if err := r.readSeries(ctx, tx, check); err != nil {
			return err
		}
		return errors.Join(r.readChunks(ctx, tx), r.readLog(ctx, tx))
	})
	if err != nil {
		return nil, err
	}
	return r.ghosts(), nil
}

// ghosts returns the medians of each address, in the order of the addresses.
func (r *sampleReader) ghosts() (list []Ghost) {
	sums, count := map[netip.Addr]*sum{}, map[netip.Addr]int{}
	for i := range r.list {
		o := &r.list[i]
		if addr := r.series[o.series]; o.status.good() && addr.IsValid() {
			if sums[addr] == nil {
				sums[addr] = new(sum)
			}
			sums[addr].addObservation(o)
			count[addr]++
		}
	}
	for addr, s := range sums {
		g := Ghost{Address: addr, N: count[addr]}
		for phase := range config.TimedPhases() {
			g.Median[phase] = bucketMiddle[s.percentile(phase, 0.5)]
		}
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b Ghost) int { return a.Address.Compare(b.Address) })
	return list
}
