package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// rec is the record that a test appends as its n-th.
func rec(n int) Record {
	return Record{At: noon.Add(time.Duration(n) * time.Second), Kind: "opened", Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))}
}

func recs(from, to int) (all []Record) {
	for n := from; n <= to; n++ {
		all = append(all, rec(n))
	}
	return all
}

// numbered is what comes back.
func numbered(from, to int) []Record {
	all := recs(from, to)
	for i := range all {
		all[i].Seq = uint64(from + i)
	}
	return all
}

func collect(t rapid.TB, seq iter.Seq2[Record, error]) (all []Record) {
	t.Helper()
	for r, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// A real disk may be so busy that a second is not enough for it. That is no fault
// of the journal, so the tests on one wait; on a simulated disk nothing is slow.
func patient(j *Journal, err error) error {
	if _, real := j.fs.(osFS); !real || err != nil && !errors.Is(err, ErrNotDurable) {
		return err
	}
	for !j.Status().Durable {
		<-j.Changed()
	}
	return nil
}

func mustOpen(t rapid.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := patient(j, nil); err != nil {
		t.Fatal(err)
	}
	return j
}

func mustAppend(t rapid.TB, j *Journal, records ...Record) {
	t.Helper()
	if err := patient(j, j.Append(records...)); err != nil {
		t.Fatal(err)
	}
}

func mustCompact(t rapid.TB, j *Journal, state []Record) {
	t.Helper()
	err := j.Compact(slices.Values(state))
	j.background.Wait()
	if err := patient(j, err); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t rapid.TB, j *Journal) {
	t.Helper()
	err := j.Close()
	if _, real := j.fs.(osFS); real {
		<-j.done
		err = j.closeErr
	}
	if err != nil {
		t.Fatal(err)
	}
}

func want(t rapid.TB, got, want []Record) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("records differ (-want +got):\n%s", d)
	}
}

func TestRecordsComeBackInOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "journal")
	for run := range 4 {
		j := mustOpen(t, dir, Options{})
		want(t, collect(t, j.Replay()), numbered(1, 10*run))
		if s := j.Status(); !s.Durable || s.Damaged || !s.Clean || s.TornBytes != 0 || s.LastSeq != uint64(10*run) {
			t.Fatalf("status %+v", s)
		}
		mustAppend(t, j, recs(10*run+1, 10*run+4)...)
		for n := 10*run + 5; n <= 10*run+10; n++ {
			mustAppend(t, j, rec(n))
		}
		want(t, collect(t, Read(dir)), numbered(1, 10*run+10))
		mustClose(t, j)
		want(t, collect(t, Read(dir)), numbered(1, 10*run+10))
	}
}

func TestSegmentsFollowOneAnother(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 500})
	for n := 1; n <= 40; n++ {
		mustAppend(t, j, rec(n))
	}
	mustClose(t, j)
	names, _ := filepath.Glob(filepath.Join(dir, "*.segment.jsonl"))
	if len(names) < 8 {
		t.Fatalf("40 records of 130 bytes in %d segments", len(names))
	}
	want(t, collect(t, Read(dir)), numbered(1, 40))
}

// Restarts neither pile up files nor write large ones again.
func TestRestarts(t *testing.T) {
	dir := t.TempDir()
	segments := func() int {
		names, _ := filepath.Glob(filepath.Join(dir, "*.segment.jsonl"))
		return len(names)
	}
	for n := 1; n <= 20; n++ {
		j := mustOpen(t, dir, Options{})
		mustAppend(t, j, rec(n))
		mustClose(t, j)
	}
	if n := segments(); n != 1 {
		t.Errorf("%d segments after 20 restarts with a record each", n)
	}
	o := Options{smallBytes: 4000}
	j := mustOpen(t, dir, o)
	mustAppend(t, j, recs(21, 100)...)
	mustAppend(t, j, rec(101))
	mustClose(t, j)
	for n := 102; n <= 110; n++ {
		j := mustOpen(t, dir, o)
		want(t, collect(t, j.Replay()), numbered(1, n-1))
		mustAppend(t, j, rec(n))
		mustClose(t, j)
	}
	if n := segments(); n != 2 {
		t.Errorf("%d segments after restarts with a large one", n)
	}
	text, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil || strings.Contains(string(text), `"closed"`) {
		t.Errorf("the mark of the end is still in the middle: %v", err)
	}
}

// What a start writes again does not stay where it was: grep finds it once.
func TestNoRecordIsInTwoFiles(t *testing.T) {
	disk := newSimDisk()
	for run := range 3 {
		p := disk.process()
		j := mustOpen(t, simDir, Options{FS: p, smallBytes: 1})
		if s := j.Status(); s.TornBytes != 0 {
			t.Errorf("%+v", s)
		}
		mustAppend(t, j, recs(5*run+1, 5*run+3)...)
		mustAppend(t, j, recs(5*run+4, 5*run+5)...)
		p.kill()
		j.Close()
	}
	j := mustOpen(t, simDir, Options{FS: disk.process(), smallBytes: 1})
	mustClose(t, j)
	all := disk.image().String()
	for n := 1; n <= 15; n++ {
		if times := strings.Count(all, fmt.Sprintf(`{\"n\":%d}`, n)); times != 1 {
			t.Errorf("record %d is there %d times", n, times)
		}
	}
}

// Many who append at the same time share few fsyncs.
func TestConcurrentAppendsShareAnFsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSimDisk()
		j := mustOpen(t, simDir, Options{FS: disk.process()})
		syncs := 0
		disk.setFault(func(op, name string) (int, error) {
			if op == "sync" {
				syncs++
				<-time.After(10 * time.Millisecond)
			}
			return -1, nil
		})
		var g sync.WaitGroup
		for range 100 {
			g.Go(func() {
				for range 3 {
					if err := j.Append(Record{At: noon, Kind: "a"}, Record{At: noon, Kind: "b"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		g.Wait()
		if syncs > 6 {
			t.Errorf("300 appends of 100 goroutines took %d fsyncs", syncs)
		}
		mustClose(t, j)
		all := collect(t, readDirectory(j.fs, simDir, 0))
		for i := 0; i < len(all); i += 2 {
			if all[i].Kind != "a" || all[i+1].Kind != "b" {
				t.Fatalf("records %d and %d were appended as one and torn apart", i+1, i+2)
			}
		}
		if len(all) != 600 {
			t.Errorf("%d records", len(all))
		}
	})
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, dir, Options{})
	defer mustClose(t, j)
	mustAppend(t, j, rec(1))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&^0o050 != 0o700 {
		t.Errorf("directory: %v %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&^0o040 != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestASecondDaemonIsRefused(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open: %v", err)
	}
	mustClose(t, j)
	mustClose(t, mustOpen(t, dir, Options{}))
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		record Record
		says   string
	}{
		"no kind":         {Record{}, `kind ""`},
		"kind with quote": {Record{Kind: `a"b`}, "without quote"},
		"long kind":       {Record{Kind: strings.Repeat("a", 65)}, "1 to 64"},
		"not JSON":        {Record{Kind: "a", Data: json.RawMessage(`{`)}, "is not JSON"},
		"two values":      {Record{Kind: "a", Data: json.RawMessage(`1 2`)}, "is not JSON"},
		"too large":       {Record{Kind: "a", Data: json.RawMessage(`"` + strings.Repeat("a", 1<<20) + `"`)}, "at most 1048576"},
		"year 10000":      {Record{Kind: "a", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "year 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			j := mustOpen(t, t.TempDir(), Options{})
			defer mustClose(t, j)
			var refused *RefusedError
			err := j.Append(rec(1), tt.record, rec(2))
			if !errors.As(err, &refused) || refused.Index != 1 || errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one about record 1 that says %q", err, tt.says)
			}
			if err := j.Append(tt.record); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("alone: %v", err)
			}
			mustAppend(t, j, rec(3))
			want(t, collect(t, j.Replay()), numbered(1, 3)) // the rest of the batch is kept
		})
	}
}

// A batch of which a record is refused is accepted when the disk is gone, too.
func TestARefusedRecordOnADiskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSimDisk()
		j := mustOpen(t, simDir, Options{FS: disk.process()})
		disk.setFault(fails(syscall.EIO, 0, "write"))
		var refused *RefusedError
		err := j.Append(rec(1), Record{Kind: ""}, rec(2))
		if !errors.As(err, &refused) || !errors.Is(err, ErrNotDurable) {
			t.Errorf("Append: %v, want both reasons", err)
		}
		disk.setFault(nil)
		for !j.Status().Durable {
			<-j.Changed()
		}
		want(t, collect(t, j.Replay()), numbered(1, 2))
		mustClose(t, j)
	})
}

func TestWhatIsWrittenIsReadableByEye(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{Now: func() time.Time { return noon }})
	mustAppend(t, j,
		Record{Kind: "opened", Data: json.RawMessage("{\n  \"check\": \"mx1/imaps\"\n}")},
		Record{Kind: "told", At: noon.Add(1500 * time.Millisecond).In(time.FixedZone("CEST", 7200))})
	mustClose(t, j)
	text, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"journal":"segment","version":1,"first":1,"through":0,"at":"2026-05-01T12:00:00Z","crc":"a41b7bb0"}
{"seq":1,"batch":1,"at":"2026-05-01T12:00:00Z","kind":"opened","data":{"check":"mx1/imaps"},"crc":"43a3080d"}
{"seq":2,"batch":1,"at":"2026-05-01T12:00:01.5Z","kind":"told","data":null,"crc":"18716fab"}
{"closed":2,"at":"2026-05-01T12:00:00Z","crc":"13c61fec"}
`
	if d := cmp.Diff(want, string(text)); d != "" {
		t.Error(d)
	}
}

func TestAppendAfterClose(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{})
	mustClose(t, j)
	mustClose(t, j)
	if err := j.Append(rec(1)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// A clock out of its mind is no reason to lose a record.
func TestAnImpossibleClock(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{Now: func() time.Time { return time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) }})
	mustAppend(t, j, Record{Kind: "a"})
	mustClose(t, j)
	want(t, collect(t, Read(dir)), []Record{{Seq: 1, At: time.Unix(0, 0).UTC(), Kind: "a", Data: json.RawMessage("null")}})
}
