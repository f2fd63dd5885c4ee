package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// crashStates is how many different states of the disk the test below must have
// recovered from; so many lives make a few more.
const (
	crashStates = 100_000
	lives       = 90
)

// A random life of a journal (appends of all sizes, compactions, restarts, kills,
// writes and fsyncs that fail, files that somebody deletes) is stopped after every single change of the disk,
// and from everything that a loss of power could have left on the disk then, the
// journal must recover to a prefix of what was appended that contains all that
// was acknowledged. A crash is never taken for damage.
func TestEveryCrashRecoversToAPrefixWithAllThatWasAcknowledged(t *testing.T) {
	var states atomic.Int64
	t.Run("lives", func(t *testing.T) {
		for seed := range uint64(lives) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := newLife(t, seed)
					l.run(40)
					states.Add(int64(len(l.seen)))
				})
			})
		}
	})
	t.Logf("%d states", states.Load())
	if n := states.Load(); n < crashStates {
		t.Errorf("recovered from %d different states, want %d at least", n, crashStates)
	}
}

type life struct {
	*testing.T
	r    *rand.Rand
	disk *simDisk
	fs   *simFS
	j    *Journal

	tried atomic.Int64 // records appended
	acked atomic.Int64 // of them, those that are durable for certain

	lossy atomic.Bool // files are lost, and not written anew yet

	small int64
	hash  maphash.Seed
	seen  map[uint64]int64 // by state of the disk, the records in it
}

func newLife(t *testing.T, seed uint64) *life {
	l := &life{T: t, r: rand.New(rand.NewPCG(seed, 7)), disk: newSimDisk(), hash: maphash.MakeSeed(), seen: map[uint64]int64{}, small: int64(seed % 2 * 4000)}
	crashes := rand.New(rand.NewPCG(seed, 11)) // not r, for the disk is used by other goroutines
	l.disk.after = func() {
		for _, m := range l.disk.crashes(crashes, 6) {
			l.check(m, crashes)
		}
	}
	l.start()
	return l
}

// options make small segments, in every other life too large ones to be written
// again as a whole at each start.
func (l *life) options(fsys FS) Options {
	return Options{FS: fsys, SegmentBytes: 1500, smallBytes: 1 + l.small}
}

// start opens the journal. What it replays will be acted upon, so it counts as
// acknowledged if the journal says that it is durable.
func (l *life) start() {
	l.fs = l.disk.process()
	j, err := Open(simDir, l.options(l.fs))
	if err != nil {
		l.Fatal(err)
	}
	l.j = j
	if s := j.Status(); s.Damaged {
		l.Fatalf("damaged: %s", s.Detail)
	}
	n := l.count(l.fs)
	if n < l.acked.Load() || n > l.tried.Load() {
		l.Fatalf("%d records after a start, %d acknowledged, %d appended", n, l.acked.Load(), l.tried.Load())
	}
	l.tried.Store(n)
	if j.Status().Durable {
		l.acked.Store(n)
	}
}

func (l *life) run(steps int) {
	for range steps {
		switch k := l.r.IntN(20); {
		case k < 12:
			l.append(1 + l.r.IntN(3))
		case k < 13:
			l.append(10)
		case k < 15:
			l.compact()
		case k < 16:
			l.j.Close()
			l.start()
		case k < 17:
			l.fs.kill()
			l.j.Close()
			l.start()
		case k < 18:
			l.lose()
		default:
			l.fail()
		}
	}
	l.heal()
	if err := l.j.Close(); err != nil {
		l.Fatal(err)
	}
	if n := l.count(l.fs); n != l.tried.Load() {
		l.Fatalf("%d records at the end, %d appended", n, l.tried.Load())
	}
}

// append appends n records; the second of its time is a record's number.
func (l *life) append(n int) {
	var batch []Record
	for range n {
		pad := `"` + strings.Repeat("x", l.r.IntN(300)) + `"`
		batch = append(batch, Record{At: time.Unix(l.tried.Add(1), 0), Kind: "event", Data: json.RawMessage(pad)})
	}
	if l.j.Append(batch...) == nil {
		l.acked.Store(l.tried.Load())
	}
}

// parts are the kinds of the records that every snapshot consists of.
var parts = []string{"state 1", "state 2", "state 3"}

func (l *life) compact() {
	var state []Record
	for _, part := range parts {
		state = append(state, Record{At: time.Unix(l.tried.Load(), 0), Kind: part})
	}
	_ = l.j.Compact(slices.Values(state)) // fails when the disk does
}

// fail lets the next few operations go wrong.
func (l *life) fail() {
	skip, count, partly := l.r.IntN(4), 1+l.r.IntN(3), l.r.IntN(300)
	var mu sync.Mutex
	l.disk.setFault(func(op, name string) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if skip--; skip >= 0 || count == 0 {
			return -1, nil
		}
		count--
		return map[string]int{"write": partly}[op], syscall.EIO
	})
	l.append(1)
	l.append(2)
	l.disk.setFault(nil)
	if l.r.IntN(2) == 0 {
		l.heal()
	}
}

// lose lets somebody delete a file. As soon as the journal is durable again, a
// crash must find everything.
func (l *life) lose() {
	l.heal()
	names, _ := l.fs.ReadDir(simDir)
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool { f, ok := parseFileName(name); return !ok || f.damaged })
	l.lossy.Store(true)
	l.disk.mu.Lock()
	l.fs.dirOp(dirOp{from: names[l.r.IntN(len(names))]})
	l.disk.mu.Unlock()
	l.j.Verify()
	<-l.j.Wanted()
	l.compact()
	l.heal()
	l.lossy.Store(false)
}

// heal waits until the journal is durable again.
func (l *life) heal() {
	for !l.j.Status().Durable {
		<-l.j.Changed()
	}
	l.acked.Store(l.tried.Load())
}

// check looks at what would be recovered from m. Once in a while it recovers
// from it, and has the power fail in the middle of that, too.
func (l *life) check(m image, r *rand.Rand) {
	if l.lossy.Load() {
		return
	}
	least, most := l.acked.Load(), l.tried.Load()
	n, fresh := l.recoverable(m)
	if n < least || n > most {
		l.Errorf("%d records recovered, %d acknowledged, %d appended\n%s", n, least, most, m)
	}
	if !fresh || r.IntN(10) > 0 {
		return
	}
	again := m.disk()
	again.after = func() {
		for _, m := range again.crashes(r, 1) {
			if k, _ := l.recoverable(m); k != n {
				l.Errorf("%d records recovered, and %d after a crash in the middle of that\n%s", n, k, m)
			}
		}
	}
	j := newJournal(simDir, l.options(again.process()))
	if err := errors.Join(j.recover(), j.writeWaiting()); err != nil || j.found.Damaged || j.last != uint64(n) {
		l.Errorf("recovered to %d of %d records: %v %+v", j.last, n, err, j.found)
	}
	if k := l.count(j.fs); k != n {
		l.Errorf("%d of %d records left after recovery", k, n)
	}
}

// recoverable counts the records in m and says whether m was never seen before.
func (l *life) recoverable(m image) (n int64, fresh bool) {
	key := m.hash(l.hash)
	n, known := l.seen[key]
	if !known {
		n = l.count(m.disk().process())
		l.seen[key] = n
	}
	return n, !known
}

// count gives the number of the last record that can be read and sees to it that
// all before it are there, in order, in the snapshot or after it.
func (l *life) count(fsys FS) (n int64) {
	part := 0
	for r, err := range readDirectory(fsys, simDir, 0) {
		if err != nil {
			l.Error(err)
			return -1
		}
		at := r.At.Unix()
		switch {
		case part < len(parts) && r.Kind == parts[part] && (part == 0 && n == 0 || part > 0 && n == at):
			part++
		case r.Kind == "event" && at == n+1 && (part == 0 || part == len(parts)):
		default:
			l.Errorf("after record %d comes %s %d", n, r.Kind, at)
			return -1
		}
		n = at
	}
	return n
}

func (m image) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "-- %s --\n%q\n", name, m[name])
	}
	return b.String()
}
