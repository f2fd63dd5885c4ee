package journal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Record is what a journal keeps.
type Record struct {
	// Seq counts from 1 without a gap. Append assigns it. What Replay gives from
	// a snapshot has the number of the last record that the snapshot stands for.
	Seq uint64
	// At is when it happened, kept in UTC with nanoseconds, years 0 to 9999.
	// Append replaces the zero time by now.
	At time.Time
	// Kind says what Data is: 1 to 64 printable ASCII characters, no quote and
	// no backslash.
	Kind string
	// Data is JSON, at most 1 MiB once spaces are taken out. None is null.
	Data json.RawMessage
}

// Options may be left empty.
type Options struct {
	FS  FS               // nil: the real one
	Now func() time.Time // nil: time.Now
	// Outer is a directory above the journal's that is locked, too: when the
	// journal's is deleted, that lock still keeps a second daemon out. Empty: none.
	Outer        string
	SegmentBytes int64 // a segment that has grown to this is followed by a new one; 0: 16 MiB

	smallBytes int64 // tests only
}

const (
	segmentBytes = 16 << 20
	smallBytes   = 256 << 10 // Open goes on with a segment of this size instead of beginning another
)

var (
	// ErrNotDurable says that records wait in memory because the disk did not
	// take them. They are written in order as soon as it does; until then they
	// would not survive the end of the process.
	ErrNotDurable = errors.New("not durable")
	// ErrClosed says that the journal was closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrReplaced says that another node writes to a journal which several nodes share: whoever
	// gets it decides nothing and sends nothing any more. A journal of one machine never gives it.
	ErrReplaced = errors.New("another node decides now")
)

// Status is the health of a journal.
type Status struct {
	// Durable is false while records wait in memory. See Changed.
	Durable bool
	// Damaged says that Open found records missing or wrong, or quarantined files
	// of an earlier day are there. It stays until they are taken away and the
	// journal is opened again.
	Damaged bool
	// Detail says in a sentence why it is not durable or what is damaged.
	Detail string
	// TornBytes is what Open cut off the end: a write that a crash interrupted.
	TornBytes int64
	// Clean says that the journal was closed before it was opened now. False is
	// a crash, or an end that somebody cut off.
	Clean bool
	// Quarantined are the paths of damaged files, kept for a human.
	Quarantined []string
	// LastSeq is the number of the last record, durable or not.
	LastSeq uint64
	// Waiting is the number of records that are not durable.
	Waiting int
	// Losses counts how often the files were lost since Open, and LastLoss says
	// what was wrong the last time. See Wanted.
	Losses   int
	LastLoss string
}

// Journal is an open journal. Its methods may be called by several goroutines.
type Journal struct {
	dir   string
	fs    FS
	now   func() time.Time
	limit int64 // of a segment, in bytes
	small int64 // see smallBytes

	outer, inner dirLock // belong to the writer after Open
	places       *places

	wake    chan struct{} // there is something to write
	stop    chan struct{} // Close was called
	done    chan struct{} // the writer has ended
	changed chan struct{}
	wanted  chan struct{}      // see Wanted
	taken   chan struct{}      // see Usurped
	verify  chan chan struct{} // see Verify

	disk    disk      // belongs to the writer alone
	blind   int       // looks in a row that failed; likewise
	usurper time.Time // since when another process has had the directory; likewise
	usurped atomic.Bool
	ousted  string // where the file is now that lay at the path of the directory; likewise

	mu       sync.Mutex
	queue    []entry       // not durable yet, in order
	last     uint64        // the number of the last record
	durable  uint64        // all up to here survive a crash
	begun    bool          // there is a segment to append to
	healthy  bool          // the disk keeps up
	cause    error         // why not
	progress chan struct{} // closed and replaced when durable or healthy changes
	closed   bool
	closeErr error
	size     int64
	found    Status // what Open found

	lost    error       // the files are not where they belong; nil: they are
	losses  int         // see Status
	lastly  string      // likewise
	renewal *compaction // what is to be written in their place

	compacting bool
	split      *compaction    // what the writer has to begin a segment for
	background sync.WaitGroup // compactions
}

// Open opens the journal in dir, which it makes (mode 0700) if need be, for this
// process alone; ErrInUse if another one has it.
//
// It cuts a torn tail, quarantines what is damaged and succeeds all the same:
// see Status. On a disk that can be read but not written it succeeds, too, and
// Status says that the journal is not durable.
func Open(dir string, o Options) (*Journal, error) {
	j := newJournal(dir, o)
	if err := j.recoverAndStart(); err != nil {
		return nil, fmt.Errorf("opening journal: %w", err)
	}
	return j, nil
}

// newJournal returns a journal that has touched nothing yet.
func newJournal(dir string, o Options) *Journal {
	j := &Journal{
		dir:      dir,
		fs:       o.FS,
		now:      o.Now,
		limit:    cmp.Or(max(o.SegmentBytes, 0), segmentBytes),
		small:    cmp.Or(o.smallBytes, smallBytes),
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		changed:  make(chan struct{}, 1),
		wanted:   make(chan struct{}, 1),
		taken:    make(chan struct{}),
		verify:   make(chan chan struct{}),
		progress: make(chan struct{}),
		healthy:  true,
	}
	if j.fs == nil {
		j.fs = osFS{}
	}
	if j.now == nil {
		j.now = time.Now
	}
	j.outer.dir, j.inner.dir = o.Outer, dir
	// Before a file is made, the directory at the path must still be the one that is locked.
	j.places = newPlaces(j.fs, dir, func() error { return j.inner.verifyLock(j.fs) })
	j.disk = disk{fs: j.fs, dir: dir, now: j.timestamp, places: j.places}
	return j
}

// recoverAndStart locks and reads the directory, and starts the writer. After an error nothing
// stays locked.
func (j *Journal) recoverAndStart() (err error) {
	err = j.lockDirectories()
	if err == nil {
		err = j.recover()
	}
	if err != nil {
		j.unlockDirectories()
		return explainPermission(err, j.stateRoot())
	}
	go j.runWriter()
	_ = j.awaitDurable(j.last, time.NewTimer(patience)) // whether it got durable is in Status
	return nil
}

// Replay gives all records in order, those of the snapshot first. Call it before
// the first Append. Damage is no error here: Status tells of it, and the records
// that could be verified are given out. An error is that files cannot be opened.
func (j *Journal) Replay() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for r, err := range readDirectory(j.fs, j.dir, 0) {
			var damage *DamageError
			if errors.As(err, &damage) {
				continue
			}
			if err != nil {
				err = fmt.Errorf("replaying journal: %w", err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Size returns the number of bytes in the segments since the last snapshot.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Status returns the health of the journal now.
func (j *Journal) Status() Status {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.found
	s.Durable = j.healthy
	s.LastSeq = j.last
	s.Waiting = int(j.last - j.durable)
	s.Losses, s.LastLoss = j.losses, j.lastly
	switch {
	case j.healthy:
	case j.lost != nil && j.lost == j.cause: //nolint:errorlint // the same, not one like it
		s.Detail = fmt.Sprintf("%v; all of it is being rewritten from memory", j.lost)
	case j.lost != nil:
		s.Detail = fmt.Sprintf("%v, and it cannot be rewritten yet: %v", j.lost, j.cause)
	default:
		s.Detail = fmt.Sprintf("%s: %d records wait in memory for the disk: %v", j.dir, s.Waiting, j.cause)
	}
	return s
}

// Changed receives a value after Status().Durable has changed.
func (j *Journal) Changed() <-chan struct{} { return j.changed }

// Close writes what is queued, marks the end, gives the lock back and waits for
// the journal's goroutine: up to 3 seconds, since a disk may hang for ever. The
// error is ErrNotDurable if records were lost with the process.
func (j *Journal) Close() error {
	j.mu.Lock()
	if !j.closed {
		j.closed = true
		close(j.stop)
	}
	j.mu.Unlock()
	t := time.NewTimer(farewell)
	defer t.Stop()
	select {
	case <-j.done:
		return j.closeErr
	case <-t.C:
		s := j.Status()
		return fmt.Errorf("closing journal: %w: the disk does not answer, %d records were not written", ErrNotDurable, s.Waiting)
	}
}

// stateRoot returns the directory that a user of this journal gives to it.
func (j *Journal) stateRoot() string { return cmp.Or(j.outer.dir, j.dir) }

func (j *Journal) path(name string) string { return filepath.Join(j.dir, name) }

// timestamp returns the time for a file's own lines, whatever the clock says.
func (j *Journal) timestamp() time.Time {
	if now := j.now(); isValidTime(now) {
		return now
	}
	return time.Unix(0, 0)
}

// isValidTime reports whether a time can be written: RFC 3339 section 1 has the years 0 to
// 9999.
func isValidTime(t time.Time) bool { y := t.UTC().Year(); return y >= 0 && y <= 9999 }
