package history

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// ErrUnavailable is what readers get while there is no database to read from. Its words
// are for people; [Store.Health] says why.
var ErrUnavailable = errors.New("the history is not available")

// Options are what a Store works with.
type Options struct {
	// Path is the file of the database; its directory is made by others. Beside it are
	// SQLite's own files and one that is locked, so that two daemons do not share it.
	Path string
	Node string // the name of this machine
	// Changes lists the incidents that have changed since a version, 0 for all of them;
	// nil: there are none.
	Changes func(ctx context.Context, since uint64) (Changes, error)
	// Log is told that the history cannot be written, with an error, and without one
	// what else people should know; nil: nobody is.
	Log func(msg string, err error)
}

// Changes are the incidents that have changed since a version, and the version they make.
type Changes struct {
	Version uint64
	Count   int // of the incidents
	// Record makes the record of one of them, when it is written: those of a storm take
	// much memory, which the daemon does not have twice.
	Record func(i int) (Record, error)
}

// A Record is an incident as it is to be remembered.
type Record struct {
	Incident incident.Incident
	Events   []incident.Event
	Told     time.Time // when the first message about it was taken; zero: none was
	JSON     []byte    // the whole of it, as `incidents --json` prints it
}

// A Health says how the history is.
type Health struct {
	Writable bool
	Error    string    // why it is not; empty: it is, or it was not tried yet
	Dropped  uint64    // observations and changes, since the start, for which there was no room
	Bytes    int64     // of the file
	Since    time.Time // when it was begun; zero: nobody knows yet
}

// A Store keeps the history. Its methods may be called at any time, from any goroutine.
type Store struct {
	Options
	// begun is when this process began to record.
	begun   time.Time
	process int64 // tells this process from others that have written the file
	still   bool  // nobody writes the file, and it need not be locked

	mu     sync.Mutex // never held during I/O
	input  input
	health Health
	zone   *time.Location

	wake    chan struct{} // there is much to write, or something that people wait for
	readers atomic.Pointer[sql.DB]
	// damage is what a reader found of the file that is open; nil: nothing.
	damage atomic.Pointer[error]
	now    func() time.Time // time.Now, but in benchmarks
	// fault, in tests, may fail a statement before it is run.
	fault func(statement string) error
}

// Open makes a Store. It touches no file: [Store.Run] does.
func Open(o Options) *Store {
	if o.Log == nil {
		o.Log = func(string, error) {}
	}
	return &Store{
		Options: o, begun: time.Now(), process: rand.Int64(), now: time.Now, input: newInput(), zone: time.Local, wake: make(chan struct{}, 1),
	}
}

// Health returns how the history is.
func (s *Store) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	h.Dropped = s.input.dropped
	return h
}

func (s *Store) setHealth(change func(h *Health)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.health)
}

// nudge has the writer look sooner than it would.
func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is told already
	}
}

// Use takes the configuration that is in force from now on. It may take as long as it
// takes to look at each check once.
func (s *Store) Use(cfg *config.Config) {
	s.useAt(cfg, s.now())
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment returns the time that a column holds; NULL and 0 are none.
func moment(ms sql.NullInt64) time.Time {
	if !ms.Valid || ms.Int64 == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

// orNull returns what a column holds for a time; NULL for none.
func orNull(ms int64) sql.NullInt64 { return sql.NullInt64{Int64: ms, Valid: ms != 0} }
