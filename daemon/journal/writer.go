package journal

import (
	"fmt"
	"time"
)

const maxBatch = 8 << 20 // bytes written with one fsync; more would wait too long for the first of them

// run is the journal's goroutine. It alone writes, so that a disk that hangs
// hangs nobody else.
func (j *Journal) run() {
	defer close(j.done)
	delay := retryFirst
	for {
		var retry <-chan time.Time
		if err := j.drain(); err != nil {
			retry = time.After(delay)
			delay = min(2*delay, retryMost)
		} else {
			delay = retryFirst
		}
		select {
		case <-j.wake:
		case <-retry:
		case <-j.stop:
			j.closeErr = j.finish()
			return
		}
	}
}

// drain writes until nothing waits.
func (j *Journal) drain() error {
	for {
		w := j.take()
		switch {
		case w.idle:
			return nil
		case w.split != nil:
			j.splitSegment(w.split)
			continue
		}
		n, err := j.disk.write(w.first, w.batch, j.limit)
		j.mu.Lock()
		if err != nil {
			j.setHealth(err)
		} else {
			j.commit(len(w.batch), n)
		}
		j.mu.Unlock()
		if err != nil {
			j.noSplit(err)
			return err
		}
	}
}

// work is what the writer does next.
type work struct {
	idle  bool
	first uint64  // the number of the first record
	batch []entry // may be empty: then a segment has to be begun
	split *compaction
}

func (j *Journal) take() work {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, bytes := 0, 0
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
	if !j.healthy {
		j.setHealth(nil)
	}
	return work{idle: true}
}

// commit is called with mu held after n records became durable in size bytes.
func (j *Journal) commit(n int, size int64) {
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

// finish writes what is left and gives the lock back.
func (j *Journal) finish() error {
	err := j.drain()
	j.background.Wait()
	if err != nil {
		j.disk.abandon()
		err = fmt.Errorf("closing journal: %w: %d records were not written: %w", ErrNotDurable, j.Status().Waiting, err)
	} else if err = j.disk.close(j.last); err != nil {
		err = fmt.Errorf("closing journal: %w", err)
	}
	j.lock.Close()
	return err
}
