package history

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// errDisk is a disk that fails, as SQLite says it.
type errDisk struct{}

func (errDisk) Error() string { return "disk I/O error (10)" }
func (errDisk) Code() int     { return codeIO }

// A journey is a scenario of three hours in which everything is written that there is: gaps,
// reloads, a moved check, certificates, incidents, chunks, hours and a day that ends. It calls
// trouble when the writer fails. It returns how many probes were fed.
func (d *drive) journey(trouble func()) (fed int) {
	cfg := configuration("a", "b", "gone")
	cfg.Maintenance = []config.Maintenance{{
		Name: "work", Zone: time.UTC, Start: newYear.Add(20 * time.Minute), Duration: 10 * time.Minute, AppliesTo: []config.Ref{{Check: "b"}},
	}}
	d.store.Use(cfg)
	for minute := range 180 {
		if minute == 60 {
			cfg = configuration("a2", "-b", "new")
			cfg.Moved = []config.Move{{From: "a", To: "a2"}}
			d.store.Use(cfg)
			d.known = []Record{record("x", "a2", newYear.Add(30*time.Minute), newYear.Add(40*time.Minute))}
		}
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1", "192.0.2.2")
		d.observe("a2", incident.OK, 100*time.Millisecond, "192.0.2.1", "192.0.2.2")
		if minute < 100 || minute > 110 {
			d.observe("new", incident.OK, 50*time.Millisecond, "192.0.2.3")
		}
		fed++
		d.now = d.now.Add(time.Minute)
		if minute%2 == 1 && d.round() != nil {
			trouble()
			d.mustRound()
		}
	}
	if d.round() != nil {
		trouble()
		d.mustRound()
	}
	return fed
}

// record returns an incident of the condition service that was reported a minute after it
// began; a zero end: it goes on.
func record(id incident.ID, check config.CheckID, from, to time.Time) Record {
	in := incident.Incident{
		ID: id, Check: check, Condition: config.ConditionService, Severity: config.SeverityDown, StartedAt: from, FailingSince: from,
		ReportedAt: from.Add(time.Minute), Reported: 1,
	}
	events := []incident.Event{{Kind: incident.Failing, At: from, Since: from}, {Kind: incident.Opened, At: from.Add(time.Minute), Since: from}}
	if !to.IsZero() {
		in.EndedAt, in.ClosedAt, in.ClosedAs = to, to.Add(time.Minute), incident.Recovered
		events = append(events, incident.Event{Kind: incident.Recovering, At: to, Since: to}, incident.Event{Kind: incident.Closed, At: to.Add(time.Minute), Since: to})
	}
	return Record{Incident: in, Events: events, JSON: fmt.Appendf(nil, `{"id":%q,"ended":%q}`, id, to)}
}

// probes returns how many probes of a check are kept, and how many conversations.
func (d *drive) probes(id config.CheckID) (n int) {
	for _, p := range d.points(id, time.Hour) {
		n += p.N
	}
	return n
}

// lifeOf returns what is known of a check, as text.
func (d *drive) lifeOf(id config.CheckID) string {
	d.tb.Helper()
	lives, err := d.store.Lives(d.tb.Context(), []config.CheckID{id}, time.UnixMilli(0), d.now)
	if err != nil {
		d.tb.Fatal(err)
	}
	return fmt.Sprint(lives[id])
}

// A statement that fails is run again in the next round, with all that was to be written: nothing is
// lost.
func TestADiskThatFailsAtAnyStatementLosesNothing(t *testing.T) {
	t.Parallel()
	statements, wantProbes := 0, 0
	var wantLives []string
	undisturbed := func() {
		d := newDrive(t, newYear)
		d.store.fault = func(string) error { statements++; return nil }
		wantProbes = d.journey(nil)
		for _, id := range []config.CheckID{"a2", "b", "new", "gone"} {
			wantLives = append(wantLives, d.lifeOf(id))
		}
	}
	undisturbed()
	for at := 1; at <= statements; at += everyStatement {
		d := newDrive(t, newYear)
		n := 0
		d.store.fault = func(string) error {
			if n++; n == at {
				return errDisk{}
			}
			return nil
		}
		d.journey(func() {})
		if n := d.probes("a2"); n != wantProbes {
			t.Errorf("statement %d failed, and %d of %d probes are kept", at, n, wantProbes)
		}
		for i, id := range []config.CheckID{"a2", "b", "new", "gone"} {
			if got := d.lifeOf(id); got != wantLives[i] {
				t.Errorf("statement %d failed, and the life of %s is\n%s\nwant\n%s", at, id, got, wantLives[i])
			}
		}
		d.crash()
	}
}

// A crash at any statement loses what came since the last flush, and counts nothing twice.
func TestACrashAtAnyStatementLosesABatchAtMost(t *testing.T) {
	t.Parallel()
	statements := 0
	whole := newDrive(t, newYear)
	whole.store.fault = func(string) error { statements++; return nil }
	wantProbes := whole.journey(nil)
	for at := 1; at <= statements; at += everyStatement {
		d := newDrive(t, newYear)
		n := 0
		fault := func(string) error {
			if n++; n == at {
				return errors.New("killed")
			}
			return nil
		}
		d.store.fault = fault
		var cfg *config.Config
		d.journey(func() {
			cfg = d.inForce()
			d.crash()
			d.start()
			d.store.Use(cfg)
		})
		// The writer comes each two minutes here.
		if n := d.probes("a2"); n > wantProbes || n < wantProbes-2 {
			t.Errorf("killed at statement %d, and %d of %d probes are kept", at, n, wantProbes)
		}
		if bouts := d.bouts("a2"); bouts != 1 {
			t.Errorf("killed at statement %d, and there are %d bouts", at, bouts)
		}
		d.crash()
	}
}

func (d *drive) bouts(id config.CheckID) int {
	lives, err := d.store.Lives(d.tb.Context(), []config.CheckID{id}, time.UnixMilli(0), d.now)
	if err != nil {
		d.tb.Fatal(err)
	}
	return len(lives[id].Bouts)
}

// inForce returns the newest configuration.
func (d *drive) inForce() *config.Config {
	for i := len(d.store.input.steps) - 1; i >= 0; i-- {
		if cfg := d.store.input.steps[i].cfg; cfg != nil {
			return cfg
		}
	}
	return d.writer.applied
}
