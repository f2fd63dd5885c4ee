package history

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A drive is a store without a goroutine of its own: the test turns the clock, and has the
// writer come.
type drive struct {
	tb     testing.TB
	path   string
	now    time.Time
	store  *Store
	writer *writer
	known  []Record
	said   []string
}

// newDrive returns a drive that begins at a time.
func newDrive(tb testing.TB, now time.Time) *drive {
	tb.Helper()
	d := &drive{tb: tb, path: filepath.Join(tb.TempDir(), "history.db"), now: now}
	tb.Cleanup(func() { d.crash() })
	d.start()
	return d
}

// start begins a daemon's life.
func (d *drive) start() {
	d.store = Open(Options{
		Path: d.path, Node: "n1", Log: func(msg string, _ error) { d.said = append(d.said, msg) },
		Changes: func(context.Context, uint64) (Changes, error) { return changesOf(1, d.known), nil },
	})
	d.store.now = func() time.Time { return d.now }
	d.store.begun = d.now
	d.writer = &writer{Store: d.store, packer: newPacker()}
}

// crash ends it as SIGKILL would: what is not written is lost.
func (d *drive) crash() {
	if d.writer != nil {
		d.writer.close()
		d.writer = nil
	}
}

// round has the writer come.
func (d *drive) round() error { return d.writer.round(d.tb.Context()) }

func (d *drive) mustRound() {
	d.tb.Helper()
	if err := d.round(); err != nil {
		d.tb.Fatal(err)
	}
}

// observe feeds a result of now: a health, and how long the whole conversation took.
func (d *drive) observe(id config.CheckID, h incident.Health, took time.Duration, addresses ...string) {
	r := incident.Result{Check: id, Started: d.now, Observed: config.ConditionSet(config.ConditionService)}
	if h == incident.Unknown {
		r.Observed = 0
	}
	if h != incident.OK {
		r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: h}}
	}
	for _, a := range addresses {
		r.Addresses = append(r.Addresses, incident.Address{Node: "n1", IP: netip.MustParseAddr(a), Health: h, Timings: config.PhaseTimes{
			config.WholeConversation: took, config.PhaseConnect: took / 4, config.PhaseTLS: took / 2,
		}})
	}
	d.store.Result(r)
}

// points returns the points of a check since the beginning of 2026.
func (d *drive) points(id config.CheckID, step time.Duration) []Point {
	d.tb.Helper()
	list, err := d.store.Points(d.tb.Context(), id, newYear, d.now.Add(time.Hour), step)
	if err != nil {
		d.tb.Fatal(err)
	}
	return list
}

// newYear is when the drives begin.
var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
