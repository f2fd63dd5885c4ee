package journal

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestCompactionReplacesWhatCameBefore(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 1000})
	mustAppend(t, j, recs(1, 50)...)
	for round := range 3 {
		before := j.Size()
		mustCompact(t, j, recs(1, 3))
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
	err := j.Compact(midway)
	j.background.Wait()
	if err := patient(j, err); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	want(t, collect(t, Read(dir)), append(state(100, 100), numbered(101, 200)...))
}

// The disk is busy with a record when a compaction begins, and another record comes
// before it has ended: the one is in the snapshot, the other beside it.
func TestACompactionBetweenTwoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSimDisk()
		j := mustOpen(t, simDir, Options{FS: disk.process()})
		mustAppend(t, j, recs(1, 3)...)
		disk.setFault(func(op, _ string) (int, error) {
			if op == "sync" {
				<-time.After(100 * time.Millisecond)
			}
			return -1, nil
		})
		results := make(chan error, 3)
		go func() { results <- j.Append(rec(4)) }()
		synctest.Wait()
		go func() { results <- j.Compact(slices.Values(recs(1, 2))) }()
		synctest.Wait()
		go func() { results <- j.Append(rec(5)) }()
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		mustClose(t, j)
		expect := append(state(4, 2), numbered(5, 5)...)
		want(t, collect(t, readDirectory(j.fs, simDir, 0)), expect)
		o := disk.image().open(t)
		want(t, o.records, expect)
		if o.detected() {
			t.Errorf("after a restart: %+v", o.Status)
		}
	})
}

func TestACompactionThatIsRefusedHarmsNothing(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	mustAppend(t, j, recs(1, 3)...)
	if err := j.Compact(slices.Values([]Record{{Kind: "\""}})); err == nil || errors.Is(err, ErrNotDurable) {
		t.Error(err)
	}
	mustAppend(t, j, rec(4))
	want(t, collect(t, Read(dir)), numbered(1, 4))
	mustCompact(t, j, recs(1, 1))
	mustClose(t, j)
	if err := j.Compact(slices.Values(recs(1, 1))); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	want(t, collect(t, Read(dir)), state(4, 1))
}
