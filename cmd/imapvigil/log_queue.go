package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// A logLine is one line of the log, or whatever else `run` prints, on its way to
// whoever reads it.
type logLine struct {
	text     string
	priority journal.Priority  // for journald
	fields   map[string]string // for journald
	plain    bool              // it is no entry of the log, and goes out as it is
}

const (
	// logWaits and logBytes are how much may wait to be read. A storm of 10,000
	// incidents is logged faster than a terminal or a container's runtime reads.
	logWaits = 16384
	logBytes = 8 << 20
	// logEnds is how long the last lines may take when the daemon ends.
	logEnds = 2 * time.Second
)

// A logQueue hands lines to whoever reads the log, one after the other, in a
// goroutine of its own. A full pipe, a stopped terminal, a stuck journald or a
// full disk keeps that goroutine waiting and nobody else: people must be told of
// an incident although nobody reads the log. Lines for which there is no room,
// and those that cannot be written, are counted.
type logQueue struct {
	put    func(logLine) error       // writes one line; it may wait for ever
	note   func(text string) logLine // makes the line that tells of lost ones
	work   chan struct{}             // holds one when lines wait
	ending chan struct{}
	ended  chan struct{}

	mu       sync.Mutex
	lines    []logLine
	size     int       // bytes of lines
	untold   int64     // lost lines that the log does not tell of yet
	lost     int64     // all lost lines
	lastLost time.Time // when the last line was lost
	since    time.Time // when the write under way began; zero: there is none
}

// newLogQueue starts a queue. put writes one line, note makes the line that tells
// of lost ones.
func newLogQueue(put func(logLine) error, note func(text string) logLine) *logQueue {
	q := &logQueue{
		put: put, note: note, work: make(chan struct{}, 1), ending: make(chan struct{}), ended: make(chan struct{}),
	}
	go q.run()
	return q
}

// enqueue has a line written some time; it never waits.
func (q *logQueue) enqueue(l logLine) {
	q.mu.Lock()
	if len(q.lines) >= logWaits || q.size >= logBytes {
		q.countLost()
		q.mu.Unlock()
		return
	}
	q.lines = append(q.lines, l)
	q.size += len(l.text)
	q.mu.Unlock()
	// Where work holds one already, drain has yet to look, and finds this line too.
	select {
	case q.work <- struct{}{}:
	default:
	}
}

// finish waits until all that was added is written, logEnds at most. It is called
// once.
func (q *logQueue) finish() {
	close(q.ending)
	select {
	case <-q.ended:
	case <-time.After(logEnds):
	}
}

// state counts the log lines that were lost and those that wait.
func (q *logQueue) state() api.Log {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := api.Log{Lost: q.lost, Waiting: len(q.lines)}
	if !q.lastLost.IsZero() {
		at := q.lastLost.UTC().Round(0)
		l.LastLostAt = &at
	}
	if !q.since.IsZero() {
		l.Waiting++ // the line that is being written
		l.WaitingS = time.Since(q.since).Round(time.Millisecond).Seconds()
	}
	return l
}

func (q *logQueue) run() {
	defer close(q.ended)
	for {
		select {
		case <-q.work:
			q.drain()
		case <-q.ending:
			q.drain()
			return
		}
	}
}

// drain writes what waits, and tells of lost lines as soon as somebody reads.
func (q *logQueue) drain() {
	failed := false
	for {
		l, some := q.nextLine()
		switch {
		case some:
			failed = !q.reportLost() || !q.writeLine(l)
			q.noteWriteEnded(!failed)
		case failed:
			// Nobody reads; how many lines were lost is told before the next one.
			return
		default:
			q.reportLost()
			return
		}
	}
}

// reportLost writes how many lines were lost since it was written last, and reports
// whether that could be done.
func (q *logQueue) reportLost() bool {
	q.mu.Lock()
	untold := q.untold
	q.untold = 0
	q.mu.Unlock()
	if untold == 0 {
		return true
	}
	text := fmt.Sprintf("%d lines lost: the reader of the log did not keep up, or was gone", untold)
	told := q.writeLine(q.note(text))
	if !told {
		q.mu.Lock()
		// Added, and not set: more lines may have been lost meanwhile.
		q.untold += untold
		q.mu.Unlock()
	}
	return told
}

// nextLine takes the next line out of the queue, if there is one.
func (q *logQueue) nextLine() (l logLine, some bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		q.lines = nil // the room that many lines took
		return l, false
	}
	l, q.lines = q.lines[0], q.lines[1:]
	q.size -= len(l.text)
	return l, true
}

// writeLine hands a line over, and reports whether it was taken.
func (q *logQueue) writeLine(l logLine) bool {
	q.noteWriteBegan(time.Now())
	defer q.noteWriteBegan(time.Time{})
	return q.put(l) == nil
}

// noteWriteBegan notes when the write under way began; zero: there is none.
func (q *logQueue) noteWriteBegan(since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.since = since
}

// noteWriteEnded counts a line as lost that was taken from the queue, unless it has
// been written.
func (q *logQueue) noteWriteEnded(done bool) {
	if done {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.countLost()
}

// countLost counts a line that is lost. q.mu is held.
func (q *logQueue) countLost() {
	q.untold++
	q.lost++
	q.lastLost = time.Now()
}
