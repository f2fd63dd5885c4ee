package journal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Whoever reads without the lock, at whatever moment, sees a journal that is whole.
func TestReadersSeeAWholeJournalWhileItIsWritten(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 3000})
	stop := make(chan struct{})
	var readers sync.WaitGroup
	defer readers.Wait()
	defer close(stop)
	for range 2 {
		readers.Go(func() {
			last := uint64(0)
			for {
				seen := uint64(0)
				for r, err := range Read(dir) {
					if err != nil {
						t.Errorf("while it was written: %v", err)
						return
					}
					if r.Kind != "state" && r.Seq != seen+1 || r.Kind == "state" && seen != 0 {
						t.Errorf("record %d after %d", r.Seq, seen)
						return
					}
					seen = r.Seq
				}
				if seen < last {
					t.Errorf("up to record %d, and before that up to %d", seen, last)
				}
				last = seen
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for n := 1; n <= 1000; n++ {
		mustAppend(t, j, rec(n))
		if n%50 == 0 {
			mustCompact(t, j, []Record{{Kind: "state"}})
		}
		if n%120 == 0 {
			mustClose(t, j)
			j = mustOpen(t, dir, Options{SegmentBytes: 3000})
		}
	}
	mustClose(t, j)
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
				mustCompact(t, j, recs(1, 5))
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

func TestWhoReadsMayStop(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	defer mustClose(t, j)
	mustAppend(t, j, recs(1, 3)...)
	mustCompact(t, j, recs(1, 3))
	mustAppend(t, j, recs(4, 6)...)
	for name, seq := range map[string]iter.Seq2[Record, error]{
		"Replay": j.Replay(), "Read": Read(dir), "Follow": Follow(t.Context(), dir, 0),
	} {
		for stop := 1; stop <= 6; stop++ {
			n := 0
			for _, err := range seq {
				if n++; err != nil || n == stop {
					break
				}
			}
			if n != stop {
				t.Errorf("%s: stopped at %d, want %d", name, n, stop)
			}
		}
	}
}

func TestNoJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nothing")
	for name, seq := range map[string]iter.Seq2[Record, error]{
		"reading journal": Read(dir), "following journal": Follow(t.Context(), dir, 0),
	} {
		n := 0
		for _, err := range seq {
			n++
			if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), name) {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d results", name, n)
		}
	}
	if _, err := Open("/dev/null/journal", Options{}); err == nil || !strings.HasPrefix(err.Error(), "opening journal: ") {
		t.Error(err)
	}
}

func TestDamageComesOutOfReadBetweenTheRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	m := sample(t)
	m[segmentName(4)] = bytes.Replace(m[segmentName(4)], []byte(`{"n":5}`), []byte(`{"n":6}`), 1)
	m.write(t, dir)
	var got []Record
	var damage *DamageError
	for r, err := range Read(dir) {
		if err == nil {
			got = append(got, r)
		} else if damage != nil || !errors.As(err, &damage) || got[len(got)-1].Seq != 4 {
			t.Errorf("after %v: %v", got, err)
		}
	}
	want(t, got, slices.Delete(sampleRecords(), 3, 4))
	if !errors.Is(damage, errChecksum) || damage.From != 5 || damage.To != 5 || damage.Line != 3 {
		t.Errorf("%+v", damage)
	}
}
