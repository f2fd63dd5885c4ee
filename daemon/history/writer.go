package history

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

const (
	// flushEvery is how often what has come in is written.
	flushEvery = 10 * time.Second
	// newsEvery is how often, at most, it is written sooner since something happened to an incident.
	newsEvery = time.Second
	// retryEvery is how often a file is tried again that could not be written.
	retryEvery = 30 * time.Second
	// lastTime is how long the last write may take when the daemon ends.
	lastTime = 3 * time.Second
)

// A writer is the one goroutine that changes the file.
type writer struct {
	*Store
	contents
	progress
	lock *os.File
	db   *sql.DB // nil: it is not open
	// inUse are the files that are open: the database, its log, and what its readers share.
	inUse [len(suffixes)]os.FileInfo

	version    uint64 // of the incidents that are mirrored
	walked     bool   // the whole ledger is mirrored in this file
	complained string // what was last said to be wrong
	flushed    time.Time
	certified  time.Time // when it was last written when all certificates were seen
	folded     int64     // the last hour that is folded
	swept      time.Time // when it was last done what is done once a day
	kept       limits    // by which hours and days were last deleted
	keptDay    int64     // on which day that was
	pageSize   int64
	used       map[int64]bool // the series that were written since swept; nil: since the start

	// To be used again and again.
	rows   [parts]logRow
	packer *packer
	sum    sum
}

// contents are what the file holds, so that it need not be asked.
type contents struct {
	created  int64
	checks   map[config.CheckID]*row
	series   map[seriesOf]int64
	checkOf  map[int64]int64   // the check of a series
	seriesOf map[int64][]int64 // the series of a check
	lastLog  int64             // the last row of the log
}

// progress is how far the intervals are written.
type progress struct {
	applied  *config.Config // the last configuration; nil: none yet
	calendar *calendar.Calendar
	advanced int64 // up to when the maintenance of applied is written
	next     int64 // when maintenance begins or ends next; 0: it is not known to
	fresh    bool  // no configuration is written in this file yet
	resumed  int64 // when another process last wrote it, until the first configuration is written; 0: none did
}

// Run writes what comes in until ctx ends, and then once more. A disk that hangs then gets
// three seconds. It never fails: what is wrong is in [Store.Health].
func (s *Store) Run(ctx context.Context) error {
	w := &writer{Store: s, packer: newPacker()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-ended:
	case <-time.After(lastTime): // the process ends with the goroutine in it
		s.setHealth(func(h *Health) { h.Writable, h.Error = false, "the disk does not answer" })
	}
	return nil
}

func (w *writer) run(ctx context.Context) {
	defer w.close()
	for {
		pause := flushEvery
		if err := w.round(ctx); err != nil {
			pause = retryEvery
		}
		if !w.pause(ctx, pause) {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
	defer cancel()
	if err := w.round(last); err == nil {
		w.closeClean(last)
	}
}

// pause waits for a time, or until there is a reason to write sooner. It returns false when
// ctx has ended.
func (w *writer) pause(ctx context.Context, long time.Duration) bool {
	begun := time.Now()
	full := time.NewTimer(long)
	defer full.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-full.C:
		return true
	case <-w.wake:
	}
	if long > flushEvery { // the file cannot be written, and is not tried sooner
		begun = begun.Add(long - newsEvery)
	}
	soon := time.NewTimer(newsEvery - time.Since(begun))
	defer soon.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-soon.C:
		return true
	}
}

// round writes what has come in; what could not be written stays for the next round.
func (w *writer) round(ctx context.Context) error {
	err := w.write(ctx)
	if found := w.damage.Load(); err == nil && found != nil {
		err = *found
	}
	if isCorrupt(err) || errors.Is(err, errGarbled) {
		if err = w.setAside(err); err == nil {
			err = w.write(ctx)
		}
	}
	if err != nil {
		w.closeFile()
	}
	w.tell(err)
	return err
}

// write does what is due.
func (w *writer) write(ctx context.Context) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return w.fold(ctx)
}

// tell says how it went: in the health each time, in the log when it is another word than
// before.
func (w *writer) tell(err error) {
	text := ""
	if err != nil {
		text = explain(w.Path, err)
	}
	size := w.size()
	w.setHealth(func(h *Health) {
		h.Writable, h.Error, h.Bytes = err == nil, text, size
		if err == nil {
			h.Since = time.UnixMilli(w.created).UTC()
		}
	})
	switch {
	case text == w.complained:
	case err != nil:
		w.Log("the history cannot be written; retrying", errors.New(text))
	default:
		w.Log("the history is written again", nil)
	}
	w.complained = text
}

// size returns the bytes that the file and its log have.
func (s *Store) size() (sum int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.Path + suffix); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// open opens the file, unless it is open and still in its place.
func (w *writer) open(ctx context.Context) (err error) {
	if w.db != nil {
		if w.inPlace() {
			return nil
		}
		// Somebody has moved, removed or emptied it: SQLite would go on writing where nobody
		// looks. Readers close first, so that SQLite can save what is in a log without a name.
		w.useReaders(nil)
		w.closeFile()
		w.beginAnew()
	}
	if w.lock == nil {
		if w.lock, err = lockBeside(w.Path); err != nil {
			return err
		}
	}
	if w.db, err = openFile(ctx, w.Path); err != nil {
		return err
	}
	if err := w.load(ctx); err != nil {
		return err
	}
	if w.inUse, err = w.files(); err != nil {
		return err
	}
	readers, err := w.openReader()
	if err != nil {
		return err
	}
	w.useReaders(readers)
	return nil
}

// suffixes are what the names of SQLite's files end with.
var suffixes = [...]string{"", "-wal", "-shm"}

// files returns which files are where those of the history belong.
func (s *Store) files() (list [len(suffixes)]os.FileInfo, err error) {
	for i, suffix := range suffixes {
		if list[i], err = os.Stat(s.Path + suffix); err != nil {
			return list, err
		}
	}
	return list, nil
}

// inPlace reports whether the files that are open are still where others look for them.
func (w *writer) inPlace() bool {
	now, err := w.files()
	if err != nil || now[0].Size() == 0 {
		return false
	}
	for i := range now {
		if !os.SameFile(now[i], w.inUse[i]) {
			return false
		}
	}
	return true
}

// beginAnew forgets what the file held: the next one knows nothing.
func (w *writer) beginAnew() {
	w.version, w.walked = 0, false
	w.forgetWritten()
}

func (w *writer) useReaders(db *sql.DB) {
	if old := w.readers.Swap(db); old != nil {
		_ = old.Close()
	}
}

// closeFile closes the file, so that the next round opens it again. Readers keep theirs:
// what was written can be read from a disk that is full.
func (w *writer) closeFile() {
	if w.db != nil {
		_ = w.db.Close()
		w.db = nil
	}
}

func (w *writer) close() {
	w.useReaders(nil)
	w.closeFile()
	if w.lock != nil {
		_ = w.lock.Close()
	}
}

// closeClean notes that nothing is lost, and has SQLite look after its statistics.
func (w *writer) closeClean(ctx context.Context) {
	for _, text := range []string{"INSERT OR REPLACE INTO meta VALUES('clean', 1)", "PRAGMA optimize"} {
		_, _ = w.db.ExecContext(ctx, text) // it is lost then, which the next start takes for a crash
	}
}

// A change is a transaction that is under way.
type change struct {
	*sql.Tx
	ctx   context.Context
	fault func(string) error
}

// do runs a statement.
func (c change) do(statement string, args ...any) error {
	_, err := c.result(statement, args...)
	return err
}

func (c change) result(statement string, args ...any) (sql.Result, error) {
	if c.fault != nil {
		if err := c.fault(statement); err != nil {
			return nil, err
		}
	}
	return c.ExecContext(c.ctx, statement, args...)
}

// transact makes a change, all of it or nothing.
func (w *writer) transact(ctx context.Context, make func(c change) error) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	c := change{tx, ctx, w.fault}
	if err := make(c); err != nil {
		_ = tx.Rollback()
		return err
	}
	if w.fault != nil {
		if err := w.fault("COMMIT"); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// flush writes what has come in since the last time.
func (w *writer) flush(ctx context.Context) error {
	now := w.now()
	w.noteOverdue(now.UnixMilli())
	steps, lostFrom := w.waitingSteps()
	batches := w.takeBatches()
	allCertificates := now.Sub(w.certified) >= certificatesEvery
	certificates := w.unwrittenCertificates(allCertificates)
	before := w.progress
	err := w.transact(ctx, func(c change) error {
		if err := w.applySteps(c, steps, lostFrom, now.UnixMilli()); err != nil {
			return err
		}
		if err := w.writeBatches(c, batches); err != nil {
			return err
		}
		for i := range certificates {
			if err := w.writeCertificate(c, &certificates[i]); err != nil {
				return err
			}
		}
		return c.do("INSERT OR REPLACE INTO meta VALUES('alive', ?), ('clean', 0)", now.UnixMilli())
	})
	if err != nil {
		w.progress = before // what the file holds is read again
		return err
	}
	w.flushed = now
	if allCertificates {
		w.certified = now
	}
	w.forgetSteps(len(steps))
	w.forgetBatches(batches)
	w.forgetCertificates(certificates)
	if w.applied == nil {
		return nil // which checks are in the files is not known yet
	}
	return w.mirror(ctx)
}
