package journal

import (
	"errors"
	"fmt"
	"iter"
	"time"
)

var errCompacting = errors.New("the compaction before this one is not done")

// compaction is one call of Compact.
type compaction struct {
	through uint64     // the last record that the state stands for
	before  int64      // bytes in segments that the snapshot replaces
	split   chan error // the segment that begins after through is there, or why not
	done    chan error

	renews bool     // the files are lost: the writer writes everything anew
	lines  [][]byte // of the snapshot that renews
}

// Compact replaces the journal by a snapshot: the records that rebuild the state
// which folding all records appended so far has led to. It must be called where
// Append is called, since a record appended between taking the state and calling
// Compact would be thought to be in it. Records appended afterwards, by whomever,
// are kept beside the snapshot.
//
// The records of state are read and numbered before Compact returns. Writing them
// takes as long as the disk takes; Compact waits for up to a second and then leaves
// it to the background, with an error that is ErrNotDurable. After any error the
// journal is as good as before, and the caller tries again at another time.
//
// When the files of the journal are lost (see Wanted) the snapshot is written where
// they belong, and the journal goes on after it. Then an error that is
// ErrNotDurable means that the journal goes on trying by itself.
func (j *Journal) Compact(state iter.Seq[Record]) error {
	c, err := j.startCompaction()
	if err != nil {
		return fmt.Errorf("compacting journal: %w", err)
	}
	lines, err := j.snapshotContent(c.through, state)
	if c.renews {
		j.offerSnapshot(c, lines, err)
	} else {
		go j.replaceBySnapshot(c, lines, err)
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case err = <-c.done:
	case <-t.C:
		err = fmt.Errorf("%w: %w", ErrNotDurable, errSlow)
	}
	if err != nil {
		return fmt.Errorf("compacting journal: %w", err)
	}
	return nil
}

// startCompaction asks the writer to begin a new segment after the last record.
func (j *Journal) startCompaction() (*compaction, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return nil, ErrClosed
	// A disk that takes no records takes no snapshot. When the files are lost, only a snapshot
	// helps.
	case !j.healthy && j.lost == nil:
		return nil, fmt.Errorf("%w: %w", ErrNotDurable, j.cause)
	case j.compacting:
		return nil, errCompacting
	}
	c := &compaction{through: j.last, split: make(chan error, 1), done: make(chan error, 1), renews: j.lost != nil}
	j.compacting = true
	if c.renews {
		return c, nil
	}
	j.split = c
	// Close waits for this before it gives the lock back.
	j.background.Add(1)
	j.wakeWriter()
	return c, nil
}

// offerSnapshot hands the snapshot that renews the journal to the writer.
func (j *Journal) offerSnapshot(c *compaction, lines [][]byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.compacting = false
		c.done <- err
		return
	}
	c.lines, j.renewal = lines, c
	j.wakeWriter()
}

// replaceBySnapshot writes the snapshot, and removes what it replaces once it is durable.
func (j *Journal) replaceBySnapshot(c *compaction, lines [][]byte, err error) {
	defer j.background.Done()
	// Also after an error: the writer has been asked, and answers.
	if split := <-c.split; err == nil {
		err = split
	}
	if err == nil {
		err = j.writeSnapshot(c, lines)
	}
	j.mu.Lock()
	j.compacting = false
	if err == nil {
		j.size -= c.before
	}
	j.mu.Unlock()
	c.done <- err
}

// writeSnapshot makes the snapshot durable and removes what it replaces.
func (j *Journal) writeSnapshot(c *compaction, lines [][]byte) error {
	f, err := j.places.createDurable(snapshotName(c.through), lines...)
	if err != nil {
		return err
	}
	f.Close()
	// What cannot be removed now is removed at the next start.
	if all, err := listFiles(j.fs, j.dir); err == nil {
		j.removeObsolete(all)
	}
	return nil
}

// splitSegment runs in the writer when all up to c.through is durable and nothing
// after it was written.
func (j *Journal) splitSegment(c *compaction) {
	size, err := j.disk.beginSegment(c.through+1, nil)
	j.mu.Lock()
	if err == nil {
		c.before = j.size
		j.size += size
	}
	j.split = nil
	j.mu.Unlock()
	c.split <- err
}

// abandonCompaction ends a compaction because the disk does not take records.
func (j *Journal) abandonCompaction(err error) {
	j.mu.Lock()
	c := j.split
	j.split = nil
	j.mu.Unlock()
	if c != nil {
		c.split <- err
	}
}
