package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// queryTime bounds what one reader may take.
const queryTime = 2 * time.Second

// read calls f with a handle that can be read from. All errors are ErrUnavailable, with what
// is wrong.
func (s *Store) read(ctx context.Context, f func(ctx context.Context, db *sql.DB) error) error {
	db := s.readers.Load()
	if db == nil {
		return s.unavailable(nil)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, queryTime, fmt.Errorf("no answer within %s", queryTime))
	defer cancel()
	if err := f(ctx, db); err != nil {
		if isCorrupt(err) && s.readers.Load() == db {
			s.damage.Store(&err) // the writer, which has much in memory, may not see it for long
			s.nudge()
		}
		return s.unavailable(errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// unavailable returns ErrUnavailable with what is known of the reason.
func (s *Store) unavailable(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	why := s.Health().Error
	if why == "" {
		why = "it is not open yet"
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, why)
}

// CompleteSince returns from when on the history says all there is to say: since it was
// begun, as far as it is kept.
func (s *Store) CompleteSince(ctx context.Context) (since time.Time, err error) {
	err = s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		return eachRow(ctx, db, "SELECT max(v) FROM meta WHERE k IN ('created', 'forgotten')", nil, func(scan scanner) error {
			var v sql.NullInt64
			err := scan(&v)
			since = moment(v)
			return err
		})
	})
	return since, err
}

// An Incident is one that is remembered.
type Incident struct {
	ID        incident.ID
	Check     config.CheckID
	Condition config.Condition
	Severity  config.Severity
	Started   time.Time
	Reported  time.Time // zero: it never was
	Acked     time.Time // zero: nobody works on it
	Told      time.Time // when the first message about it was taken; zero: none was
	Ended     time.Time // zero: it goes on
	ClosedAs  incident.ClosedAs
	Phase     config.Phase
	Cause     config.Cause

	data []byte
}

// JSON returns the whole of it, as `incidents --json` printed it.
func (in *Incident) JSON() (json.RawMessage, error) { return inflate(in.data) }

// Incidents returns the incidents that went on at any time of a window, the oldest first.
func (s *Store) Incidents(ctx context.Context, from, to time.Time) (list []Incident, err error) {
	const query = `SELECT i.id, c.name, condition, severity, started, reported, acked, told, ended, closed_as, phase, cause, data
		FROM incident i JOIN chk c ON c.id = i.chk WHERE started < ? AND (ended IS NULL OR ended > ?) ORDER BY started, i.id`
	err = s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		return eachRow(ctx, db, query, []any{to.UnixMilli(), from.UnixMilli()}, func(scan scanner) error {
			in, err := scanIncident(scan)
			list = append(list, in)
			return err
		})
	})
	return list, err
}

func scanIncident(scan scanner) (in Incident, err error) {
	var started, reported, acked, told, ended sql.NullInt64
	var phase string
	err = scan(&in.ID, &in.Check, &in.Condition, &in.Severity, &started, &reported, &acked, &told, &ended, &in.ClosedAs, &phase, &in.Cause, &in.data)
	in.Started, in.Reported, in.Acked = moment(started), moment(reported), moment(acked)
	in.Told, in.Ended, in.Phase = moment(told), moment(ended), config.ParsePhase(phase)
	return in, err
}

// Lives returns what is known of checks in a window: the times in which they were absent,
// paused, in maintenance or unknown, and their bouts. A check that the history does not know
// has been absent all the time.
func (s *Store) Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error) {
	lives := newLifeReader(checks, from, to)
	err := s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // spans and bouts of the same moment
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		return errors.Join(lives.readIDs(ctx, tx), lives.readSpans(ctx, tx), lives.readBouts(ctx, tx))
	})
	if err != nil {
		return nil, err
	}
	return lives.finish(s.unwritten(checks, s.now())), nil
}

// unwritten returns, of checks, since when nothing is known that may not be in the file yet.
func (s *Store) unwritten(checks []config.CheckID, now time.Time) map[config.CheckID]availability.Interval {
	list := map[config.CheckID]availability.Interval{}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixMilli()
	for _, id := range checks {
		c := s.input.checks[id]
		switch {
		case c == nil:
		case c.unknown != 0:
			list[id] = availability.Interval{From: time.UnixMilli(c.unknown).UTC(), Kind: availability.Unknown, Why: c.why}
		case at > c.until:
			list[id] = availability.Interval{From: time.UnixMilli(c.until).UTC(), Kind: availability.Unknown, Why: whyNoProbe}
		}
	}
	return list
}
