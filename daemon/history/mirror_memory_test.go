package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// recordsOf returns changes whose records are made one by one.
func recordsOf(n int, record func(i int) (Record, error)) func(context.Context, uint64) (Changes, error) {
	return func(context.Context, uint64) (Changes, error) {
		return Changes{Version: 1, Count: n, Record: record}, nil
	}
}

// Ten thousand incidents at once are not held in memory at once: the record of each is made
// when it is written.
func TestRecordsAreMadeOneByOne(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	waiting := 0 // records that are made and not written
	d.store.fault = func(statement string) error {
		if strings.HasPrefix(statement, "INSERT INTO incident ") {
			waiting--
		}
		return nil
	}
	const all = mirrorAtOnce + 2
	d.store.Changes = recordsOf(all, func(i int) (Record, error) {
		if waiting++; waiting > 1 {
			t.Fatalf("%d records are held", waiting)
		}
		return record(incident.ID(fmt.Sprint("x", i)), "a", at(1), at(2)), nil
	})
	d.now = at(20)
	d.mustRound()
	list, err := d.store.Incidents(t.Context(), at(0), at(20))
	if err != nil || len(list) != all {
		t.Errorf("%d incidents of %d, %v", len(list), all, err)
	}
}

// A record that cannot be made is made again in the next round.
func TestRecordThatCannotBeMade(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.store.Use(configuration("a"))
	var failure error
	d.store.Changes = recordsOf(2, func(i int) (Record, error) {
		return record(incident.ID(fmt.Sprint("x", i)), "a", at(1), time.Time{}), failure
	})
	failure = errors.New("no record")
	d.now = at(20)
	if err := d.round(); !errors.Is(err, failure) {
		t.Errorf("%v, want %v", err, failure)
	}
	failure = nil
	d.mustRound()
	if list, err := d.store.Incidents(t.Context(), at(0), at(20)); err != nil || len(list) != 2 {
		t.Errorf("%d incidents, %v", len(list), err)
	}
}
