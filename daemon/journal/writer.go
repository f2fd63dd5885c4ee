package journal

import (
	"errors"
	"fmt"
	"time"
)

// maxBatch bounds the bytes written with one fsync: with more, the first of them would
// wait too long.
const maxBatch = 8 << 20

// runWriter runs as the journal's only goroutine. It alone writes, so that a disk that hangs
// hangs nobody else.
func (j *Journal) runWriter() {
	defer close(j.done)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	delay := retryFirst
	var retry <-chan time.Time
	write := func() {
		retry = nil
		if err := j.writeWaiting(); err != nil {
			retry = time.After(delay)
			delay = min(2*delay, retryMost)
		} else {
			delay = retryFirst
		}
	}
	write()
	for {
		select {
		case <-j.wake:
			write()
		case <-retry: // nobody tells when a full disk has room again
			write()
		case <-look.C:
			j.verifyPlace()
		case looked := <-j.verify:
			j.verifyPlace()
			close(looked)
		case <-j.stop:
			j.closeErr = j.closeWriter()
			return
		}
	}
}

// writeWaiting writes until nothing waits.
func (j *Journal) writeWaiting() error {
	for {
		w := j.nextWork()
		switch {
		case w.idle:
			return nil
		case w.split != nil:
			j.splitSegment(w.split)
			continue
		case w.renew != nil:
			if err := j.reportFirstRenewal(w.renew); err != nil {
				return err
			}
			continue
		}
		n, err := j.disk.writeBatch(w.first, w.batch, j.limit)
		var gone *LostError
		if errors.As(err, &gone) {
			j.markLost(gone)
			continue // the batch stays queued, and is part of what is written anew
		}
		err = explainPermission(err, j.stateRoot())
		j.mu.Lock()
		if err != nil {
			j.setHealth(err)
		} else {
			j.noteDurable(len(w.batch), n)
		}
		j.mu.Unlock()
		if err != nil {
			j.abandonCompaction(err)
			return err
		}
	}
}

// reportFirstRenewal tells the caller of Compact what came of the first try.
func (j *Journal) reportFirstRenewal(c *compaction) error {
	err := explainPermission(j.writeAnew(c), j.stateRoot())
	if err != nil {
		j.mu.Lock()
		j.setHealth(err)
		j.mu.Unlock()
		err = fmt.Errorf("%w: %w", ErrNotDurable, err)
	}
	select {
	case c.done <- err:
	default: // told before
	}
	return err
}

// work is what the writer does next.
type work struct {
	idle  bool
	first uint64  // the number of the first record
	batch []entry // may be empty: then a segment has to be begun
	split *compaction
	renew *compaction
}

// nextWork returns what the writer does next.
func (j *Journal) nextWork() work {
	j.mu.Lock()
	defer j.mu.Unlock()
	// Nothing is added to files that no start would find: the caller's state comes first.
	if j.lost != nil {
		return work{renew: j.renewal, idle: j.renewal == nil}
	}
	n, bytes := 0, 0
	// What comes after a split belongs into the next segment: the snapshot does not
	// cover it, and this segment is removed with what the snapshot replaces.
	for n < len(j.queue) && bytes < maxBatch && (j.split == nil || j.queue[n].Seq <= j.split.through) {
		bytes += len(j.queue[n].Data)
		n++
	}
	switch {
	case n > 0 || j.disk.live == nil:
		return work{first: j.durable + 1, batch: j.queue[:n:n]}
	case j.split != nil:
		return work{split: j.split}
	}
	if !j.healthy { // nothing waits, so the last write went well
		j.setHealth(nil)
	}
	return work{idle: true}
}

// noteDurable notes that n records became durable, in size bytes. j.mu is held.
func (j *Journal) noteDurable(n int, size int64) {
	clear(j.queue[:n]) // frees the data
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	j.begun = true
	j.durable += uint64(n)
	j.size += size
	close(j.progress)
	j.progress = make(chan struct{})
}

// closeWriter writes what is left and gives the lock back.
func (j *Journal) closeWriter() error {
	err := j.writeWaiting()
	j.background.Wait() // a compaction removes files, which needs the lock
	j.mu.Lock()
	if err == nil && j.lost != nil {
		err = j.lost
	}
	j.mu.Unlock()
	if err != nil {
		j.disk.abandonSegment()
		err = fmt.Errorf("closing journal: %w: %d records were not written: %w", ErrNotDurable, j.Status().Waiting, err)
	} else if err = j.disk.closeSegment(j.last); err != nil {
		err = fmt.Errorf("closing journal: %w", err)
	}
	j.unlockDirectories()
	return err
}
