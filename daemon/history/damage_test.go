package history

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// hourOfProbes has a check probed for an hour, and ends with an incident.
func (d *drive) hourOfProbes() {
	d.store.Use(configuration("a"))
	for range 70 {
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
		d.now = d.now.Add(time.Minute)
		d.mustRound()
	}
	d.known = []Record{record("x", "a", newYear.Add(20*time.Minute), newYear.Add(30*time.Minute))}
	d.mustRound()
}

// flip damages pages of the file, except the first.
func (d *drive) flip() {
	d.tb.Helper()
	if _, err := d.writer.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		d.tb.Fatal(err)
	}
	content, err := os.ReadFile(d.path)
	if err != nil {
		d.tb.Fatal(err)
	}
	for i := 4096; i < len(content); i++ {
		content[i] ^= 0x5a
	}
	if err := os.WriteFile(d.path, content, 0o640); err != nil {
		d.tb.Fatal(err)
	}
}

func (d *drive) damagedFiles() []string {
	found, _ := filepath.Glob(d.path + ".damaged-*Z")
	return found
}

// A damaged file is set aside, and a new one is begun in the same round. The incidents of the
// ledger are in it, and what was known before it is unknown, not well.
func TestADamagedFileIsSetAsideAndBegunAnew(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(d *drive){
		// The writer has what it needs in memory; a reader finds the damage.
		"flipped while it runs": func(d *drive) {
			d.flip()
			_, _ = d.store.Incidents(d.tb.Context(), newYear, d.now)
		},
		"flipped before the start": func(d *drive) {
			d.flip()
			d.crash()
			d.start()
			d.store.Use(configuration("a"))
		},
		"a text": func(d *drive) {
			d.crash()
			if err := os.WriteFile(d.path, []byte(strings.Repeat("no database\n", 1000)), 0o640); err != nil {
				d.tb.Fatal(err)
			}
			d.start()
			d.store.Use(configuration("a"))
		},
		"a table is missing": func(d *drive) {
			if _, err := d.writer.db.Exec("DROP TABLE span"); err != nil {
				d.tb.Fatal(err)
			}
			d.crash()
			d.start()
			d.store.Use(configuration("a"))
		},
		"a chunk that is garbled": func(d *drive) {
			if _, err := d.writer.db.Exec("UPDATE log SET data = CAST(x'0102' || data AS BLOB)"); err != nil {
				d.tb.Fatal(err)
			}
			d.observe("a", incident.OK, time.Second, "192.0.2.1")
			d.now = d.now.Add(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDrive(t, newYear)
			d.hourOfProbes()
			damage(d)
			begun := d.now
			for range 3 {
				d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
				d.mustRound()
				d.now = d.now.Add(time.Minute)
			}
			if n := len(d.damagedFiles()); n != 1 {
				t.Errorf("%d damaged files are kept: %q", n, d.said)
			}
			if h := d.store.Health(); !h.Writable || !h.Since.Equal(begun) {
				t.Errorf("%+v, want one begun at %s", h, begun)
			}
			list, err := d.store.Incidents(t.Context(), newYear, d.now)
			if err != nil || len(list) != 1 || list[0].ID != "x" {
				t.Errorf("%v %v", list, err)
			}
			if n := d.probes("a"); n < 2 {
				t.Errorf("%d probes after it", n)
			}
			lives, err := d.store.Lives(t.Context(), []config.CheckID{"a"}, newYear, d.now)
			if err != nil || len(lives["a"].Intervals) == 0 || !lives["a"].Intervals[0].To.Equal(begun) {
				t.Errorf("%+v %v", lives, err)
			}
		})
	}
}

// Two damaged files are kept, the newest.
func TestTwoDamagedFilesAreKept(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	var last []string
	for range 4 {
		d.hourOfProbes()
		d.flip()
		_, _ = d.store.Incidents(t.Context(), newYear, d.now)
		d.mustRound()
		last = d.damagedFiles()
		d.now = d.now.Add(time.Hour)
	}
	if len(last) != keptDamaged || !strings.Contains(last[1], d.now.Add(-time.Hour).Format("20060102T1504")) {
		t.Errorf("kept %q at %s", last, d.now)
	}
}

// A file of a newer program is left as it is, byte for byte, and so is one of something else.
func TestFilesOfOthersAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]struct{ statement, words string }{
		"a newer program": {"PRAGMA user_version = 99", "a newer imapvigil made it"},
		"something else":  {"PRAGMA application_id = 42", "another program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDrive(t, newYear)
			d.hourOfProbes()
			if _, err := d.writer.db.Exec(make.statement); err != nil {
				t.Fatal(err)
			}
			d.crash()
			before, err := os.ReadFile(d.path)
			if err != nil {
				t.Fatal(err)
			}
			d.start()
			d.store.Use(configuration("a"))
			if err := d.round(); err == nil {
				t.Error("it was written")
			}
			if h := d.store.Health(); h.Writable || !strings.Contains(h.Error, make.words) {
				t.Errorf("%+v", h)
			}
			if _, err := d.store.Incidents(t.Context(), newYear, d.now); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), make.words) {
				t.Errorf("%v", err)
			}
			after, err := os.ReadFile(d.path)
			if err != nil || !slices.Equal(before, after) || len(d.damagedFiles()) > 0 {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

// A file that another process has locked is tried again; nothing is lost meanwhile.
func TestALockedFileIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.hourOfProbes()
	other, err := sql.Open("sqlite", d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	before := d.probes("a")
	d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
	if err := d.round(); err == nil {
		t.Error("it was written")
	}
	if h := d.store.Health(); h.Writable || !strings.Contains(h.Error, "another process has locked it") {
		t.Errorf("%+v", h)
	}
	if n := d.probes("a"); n != before {
		t.Errorf("%d probes while it is locked, want what was there: %d", n, before)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(retryEvery)
	d.mustRound()
	if n := d.probes("a"); n != before+1 || !d.store.Health().Writable {
		t.Errorf("%d probes, want %d: %+v", n, before+1, d.store.Health())
	}
}

// A second daemon is refused before it touches the file.
func TestASecondDaemonIsRefused(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	d.hourOfProbes()
	second := &drive{tb: t, path: d.path, now: d.now}
	second.start()
	defer second.crash()
	second.store.Use(configuration())
	if err := second.round(); err == nil || !strings.Contains(err.Error(), "another process uses") {
		t.Errorf("%v", err)
	}
	d.mustRound()
	if got := d.lifeOf("a"); strings.Contains(got, "absent") {
		t.Errorf("the second one has written: %s", got)
	}
}

// A file that somebody removes, moves or empties while the daemon runs, or whose log is removed,
// is not written where nobody looks: what comes in then is found by who opens the file.
func TestFilesThatAreGoneAreBegunAnew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		harm func(d *drive) error
		want int // probes that are known afterwards
	}{
		"all removed": {func(d *drive) error { return d.remove("", "-wal", "-shm") }, 1},
		"emptied and its log removed": {func(d *drive) error {
			return errors.Join(os.Truncate(d.path, 0), d.remove("-wal"))
		}, 71},
		"emptied":                        {func(d *drive) error { return os.Truncate(d.path, 0) }, 71},
		"its log removed":                {func(d *drive) error { return d.remove("-wal") }, 71},
		"what its readers share removed": {func(d *drive) error { return d.remove("-shm") }, 71},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDrive(t, newYear)
			d.hourOfProbes()
			if err := test.harm(d); err != nil {
				t.Fatal(err)
			}
			d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
			d.mustRound()
			file, err := OpenFile(t.Context(), d.path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = file.Close() }()
			if list, err := file.Incidents(t.Context(), newYear, d.now); err != nil || len(list) != 1 {
				t.Errorf("%v %v", list, err)
			}
			if n := d.probes("a"); n != test.want {
				t.Errorf("%d probes, want %d", n, test.want)
			}
		})
	}
}

// remove removes files of the history, which are named by how they end.
func (d *drive) remove(suffixes ...string) (err error) {
	for _, suffix := range suffixes {
		err = errors.Join(err, os.Remove(d.path+suffix))
	}
	return err
}

// Without its directory, and while the file cannot be made, what comes in waits. When there is
// no room for more the oldest is dropped and counted; gaps are kept.
func TestWithoutADirectoryObservationsWaitAndAreDroppedThen(t *testing.T) {
	t.Parallel()
	d := newDrive(t, newYear)
	parent := filepath.Dir(d.path)
	if err := os.Remove(parent); err != nil {
		t.Fatal(err)
	}
	d.store.Use(configuration("a", "b"))
	d.observe("b", incident.OK, 100*time.Millisecond, "192.0.2.1")
	for range 30 {
		d.observe("a", incident.OK, 100*time.Millisecond, "192.0.2.1")
		if err := d.round(); err == nil {
			t.Fatal("it was written")
		}
		d.now = d.now.Add(10 * time.Second)
	}
	if h := d.store.Health(); h.Writable || h.Dropped == 0 || !strings.Contains(h.Error, parent) {
		t.Errorf("%+v", h)
	}
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	d.mustRound()
	kept, dropped := d.probes("a")+d.probes("b"), int(d.store.Health().Dropped)
	if kept+dropped != 31 || kept < 12 {
		t.Errorf("%d are kept and %d dropped of 31", kept, dropped)
	}
	// A dropped sample makes no gap; a probe that did not come does.
	if got := d.lifeOf("a"); strings.Contains(got, whyNoProbe) {
		t.Errorf("a: %s", got)
	}
	if got := d.lifeOf("b"); !strings.Contains(got, whyNoProbe) {
		t.Errorf("b: %s", got)
	}
}

// Readers say that there is no history, and why.
func TestReadersSayThatThereIsNone(t *testing.T) {
	t.Parallel()
	s := Open(Options{Path: filepath.Join(t.TempDir(), "none", "history.db")})
	ctx := t.Context()
	_, lives := s.Lives(ctx, []config.CheckID{"a"}, newYear, newYear.Add(time.Hour))
	_, points := s.Points(ctx, "a", newYear, newYear.Add(time.Hour), time.Minute)
	_, ghost := s.Ghost(ctx, "a")
	_, incidents := s.Incidents(ctx, newYear, newYear)
	_, certificates := s.Certificates(ctx, "a")
	_, since := s.CompleteSince(ctx)
	for _, err := range []error{lives, points, ghost, incidents, certificates, since} {
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "it is not open yet") {
			t.Errorf("%v", err)
		}
	}
}
