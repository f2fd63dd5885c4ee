package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

func mustOpen(t rapid.TB, dir string, o Options) *Journal {
	t.Helper()
	j, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func mustAppend(t rapid.TB, j *Journal, records ...Record) {
	t.Helper()
	if err := j.Append(records...); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t rapid.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
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

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, dir, Options{})
	defer mustClose(t, j)
	mustAppend(t, j, rec(1))
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v %v", info.Mode(), err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
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
	j := mustOpen(t, t.TempDir(), Options{})
	defer mustClose(t, j)
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
			err := j.Append(rec(1), tt.record)
			if err == nil || errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
	if got := collect(t, j.Replay()); len(got) > 0 {
		t.Errorf("%v was kept", got)
	}
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

func TestCompactionReplacesWhatCameBefore(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 1000})
	mustAppend(t, j, recs(1, 50)...)
	for round := range 3 {
		before := j.Size()
		if err := j.Compact(slices.Values(recs(1, 3))); err != nil {
			t.Fatal(err)
		}
		if j.Size() >= before {
			t.Fatalf("size %d, before %d", j.Size(), before)
		}
		mustAppend(t, j, recs(51+2*round, 52+2*round)...)
		want(t, collect(t, Read(dir)), append(state(50+2*round, 3), numbered(51+2*round, 52+2*round)...))
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 2 {
		t.Errorf("files left: %q", names)
	}
	mustClose(t, j)
	j = mustOpen(t, dir, Options{})
	want(t, collect(t, j.Replay()), append(state(54, 3), numbered(55, 56)...))
	mustAppend(t, j, rec(57))
	mustClose(t, j)
	want(t, collect(t, Read(dir)), append(state(54, 3), numbered(55, 57)...))
}

// state is what comes back of a snapshot of n records after record through.
func state(through, n int) []Record {
	all := recs(1, n)
	for i := range all {
		all[i].Seq = uint64(through)
	}
	return all
}

func TestRecordsAppendedWhileCompactingSurvive(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 2000})
	mustAppend(t, j, recs(1, 100)...)
	midway := func(yield func(Record) bool) {
		for n := 101; n <= 200; n++ {
			mustAppend(t, j, rec(n))
			if !yield(rec(n - 100)) {
				return
			}
		}
	}
	if err := j.Compact(midway); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	want(t, collect(t, Read(dir)), append(state(100, 100), numbered(101, 200)...))
}

func TestFollowSeesWhatIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := mustOpen(t, dir, Options{SegmentBytes: 700})
		mustAppend(t, j, recs(1, 20)...)
		ctx, cancel := context.WithCancel(t.Context())
		seen := make(chan Record)
		go func() {
			defer close(seen)
			for r, err := range Follow(ctx, dir, 10) {
				if err != nil {
					t.Error(err)
				}
				seen <- r
			}
		}()
		var got []Record
		for n := 11; n <= 20; n++ {
			got = append(got, <-seen)
		}
		for n := 21; n <= 80; n++ {
			switch n {
			case 40: // a restart of the daemon
				mustClose(t, j)
				j = mustOpen(t, dir, Options{SegmentBytes: 700})
			case 60:
				if err := j.Compact(slices.Values(recs(1, 5))); err != nil {
					t.Fatal(err)
				}
			}
			mustAppend(t, j, rec(n))
			got = append(got, <-seen)
		}
		want(t, got, numbered(11, 80))
		cancel()
		for range seen {
			t.Error("more came")
		}
		mustClose(t, j)
	})
}
