package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	patience = 800 * time.Millisecond // how long Append waits: it promises to return within a second
	farewell = 3 * time.Second        // how long Close waits: systemd's stop must end within five

	retryFirst = 100 * time.Millisecond // after a failed write
	retryMost  = 5 * time.Second
)

var errSlow = errors.New("the disk does not answer")

// Append makes records durable, all of them with one fsync or fewer (concurrent
// calls share one), and numbers them in order. The records themselves are not
// changed, and the caller may reuse Data.
//
// It returns within a second. ErrNotDurable means that the records are accepted
// and wait in memory; so will those of later calls, which return at once, until
// the disk has taken all. Any other error means that none was accepted.
func (j *Journal) Append(records ...Record) error {
	if len(records) == 0 {
		return nil
	}
	entries := make([]entry, len(records))
	for i, r := range records {
		var err error
		if entries[i].Record, err = j.prepare(r); err != nil {
			return fmt.Errorf("appending to journal: record %d of %d: %w", i+1, len(records), err)
		}
	}
	last, err := j.enqueue(entries)
	if err != nil {
		return fmt.Errorf("appending to journal: %w", err)
	}
	if err := j.await(last, time.NewTimer(patience)); err != nil {
		return fmt.Errorf("appending to journal: %w", err)
	}
	return nil
}

// prepare gives the record as it will be written.
func (j *Journal) prepare(r Record) (Record, error) {
	if r.At.IsZero() {
		r.At = j.stamp()
	}
	if !validTime(r.At) {
		return r, fmt.Errorf("the year %d cannot be written", r.At.UTC().Year())
	}
	if !validKind(r.Kind) {
		return r, fmt.Errorf("kind %q must be 1 to %d printable ASCII characters without quote and backslash", r.Kind, maxKind)
	}
	var data bytes.Buffer
	data.Grow(max(len(r.Data), 4))
	if len(r.Data) == 0 {
		data.WriteString("null")
	} else if err := json.Compact(&data, r.Data); err != nil {
		return r, fmt.Errorf("data of kind %q is not JSON: %w", r.Kind, err)
	}
	if data.Len() > maxData {
		return r, fmt.Errorf("data of kind %q has %d bytes, at most %d are kept", r.Kind, data.Len(), maxData)
	}
	r.Data = data.Bytes()
	return r, nil
}

func (j *Journal) enqueue(entries []entry) (last uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, ErrClosed
	}
	for i := range entries {
		j.last++
		entries[i].Seq = j.last
	}
	j.queue = append(j.queue, entries...)
	if j.healthy { // else the writer looks by itself
		j.poke()
	}
	return j.last, nil
}

func (j *Journal) poke() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// await returns when the records up to last are durable or it is clear that they
// are not going to be soon.
func (j *Journal) await(last uint64, patience *time.Timer) error {
	defer patience.Stop()
	for {
		j.mu.Lock()
		durable, healthy, cause, progress := j.durable >= last && j.begun, j.healthy, j.cause, j.progress
		j.mu.Unlock()
		switch {
		case durable:
			return nil
		case !healthy:
			return fmt.Errorf("%w: %w", ErrNotDurable, cause)
		}
		select {
		case <-progress:
		case <-patience.C:
			j.tooSlow(last)
		}
	}
}

// tooSlow is called when the time to wait for last is over.
func (j *Journal) tooSlow(last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.durable < last || !j.begun {
		j.setHealth(errSlow)
	}
}

// setHealth is called with mu held; nil is healthy.
func (j *Journal) setHealth(cause error) {
	j.cause = cause
	if j.healthy != (cause == nil) {
		j.healthy = cause == nil
		select {
		case j.changed <- struct{}{}:
		default:
		}
	}
	close(j.progress)
	j.progress = make(chan struct{})
}
