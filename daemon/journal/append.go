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
// the disk has taken all. A record that cannot be kept is refused alone, with a
// *RefusedError, and the others are accepted; see [Record.Fits]. Any other error
// means that none was accepted.
func (j *Journal) Append(records ...Record) error {
	entries := make([]entry, 0, len(records))
	var refused error
	for i, r := range records {
		r, err := j.asWritten(r)
		if err != nil {
			refused = errors.Join(refused, &RefusedError{Index: i, Kind: r.Kind, Err: err})
			continue
		}
		entries = append(entries, entry{Record: r})
	}
	if refused != nil {
		refused = fmt.Errorf("appending to journal: %w", refused)
	}
	if len(entries) == 0 {
		return refused
	}
	return errors.Join(refused, j.appendAndWait(entries))
}

// appendAndWait queues entries and waits until they are durable.
func (j *Journal) appendAndWait(entries []entry) error {
	last, err := j.enqueue(entries)
	if err != nil {
		return fmt.Errorf("appending to journal: %w", err)
	}
	if err := j.awaitDurable(last, time.NewTimer(patience)); err != nil {
		return fmt.Errorf("appending to journal: %w", err)
	}
	return nil
}

// A RefusedError says which record Append did not take, and why. Those beside it
// were taken.
type RefusedError struct {
	Index int // among the arguments of Append
	Kind  string
	Err   error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("record %d: %v", e.Index+1, e.Err) }

// Unwrap gives the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// Fits reports why the journal would refuse a record whose Data is JSON without
// needless spaces; nil: it would not. Whoever has to know before anything comes
// of the record asks here.
func (r Record) Fits() error {
	switch {
	case !isValidTime(r.At):
		return fmt.Errorf("the year %d cannot be written", r.At.UTC().Year())
	case !isValidKind(r.Kind):
		return fmt.Errorf("kind %q must be 1 to %d printable ASCII characters without quote and backslash", r.Kind, maxKind)
	case len(r.Data) > MaxData:
		return fmt.Errorf("data of kind %q has %d bytes, at most %d are kept", r.Kind, len(r.Data), MaxData)
	}
	return nil
}

// asWritten returns the record as it will be written.
func (j *Journal) asWritten(r Record) (Record, error) {
	if r.At.IsZero() {
		r.At = j.timestamp()
	}
	var data bytes.Buffer
	data.Grow(max(len(r.Data), 4))
	if len(r.Data) == 0 {
		data.WriteString("null")
	} else if err := json.Compact(&data, r.Data); err != nil {
		return r, fmt.Errorf("data of kind %q is not JSON: %w", r.Kind, err)
	}
	// A copy: the caller may reuse its Data.
	r.Data = data.Bytes()
	return r, r.Fits()
}

// enqueue numbers entries, hands them to the writer, and returns the number of the last.
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
		j.wakeWriter()
	}
	return j.last, nil
}

// wakeWriter tells the writer that there is something to do. It never waits.
func (j *Journal) wakeWriter() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// awaitDurable returns when the records up to last are durable or it is clear that they
// are not going to be soon.
func (j *Journal) awaitDurable(last uint64, patience *time.Timer) error {
	defer patience.Stop()
	for {
		j.mu.Lock()
		durable, healthy, cause, progress := j.durable >= last && j.begun, j.healthy, j.cause, j.progress
		j.mu.Unlock()
		switch {
		case durable:
			return nil
		// All calls return at once until the disk has taken what waits.
		case !healthy:
			return fmt.Errorf("%w: %w", ErrNotDurable, cause)
		}
		select {
		case <-progress:
		case <-patience.C:
			j.giveUpWaiting(last)
		}
	}
}

// giveUpWaiting notes that the disk is too slow, unless the record last is durable by now.
func (j *Journal) giveUpWaiting(last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.durable < last || !j.begun {
		j.setHealth(errSlow)
	}
}

// setHealth notes why the disk takes no records; nil: it does. j.mu is held.
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
