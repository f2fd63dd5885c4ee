package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

// A journaldEntry is one entry of the journal.
type journaldEntry struct {
	message  string
	priority journal.Priority
	fields   map[string]string
}

const (
	// journaldWaits is how many entries may wait for journald.
	journaldWaits = 4096
	// journaldEnds is how long the last of them may take.
	journaldEnds = 2 * time.Second
)

// A journaldQueue hands entries to journald, one after the other, in a goroutine
// of its own: a journald that is stuck must not keep people from being told of an
// incident. What there is no room for is counted.
type journaldQueue struct {
	send    func(message string, priority journal.Priority, fields map[string]string) error
	instead io.Writer // gets what journald does not take
	entries chan journaldEntry
	lost    atomic.Int64
	ending  chan struct{}
	ended   chan struct{}
}

func newJournaldQueue(send func(string, journal.Priority, map[string]string) error, instead io.Writer) *journaldQueue {
	q := &journaldQueue{
		send: send, instead: instead, entries: make(chan journaldEntry, journaldWaits),
		ending: make(chan struct{}), ended: make(chan struct{}),
	}
	go q.run()
	return q
}

func (q *journaldQueue) add(e journaldEntry) {
	select {
	case q.entries <- e:
	default:
		q.lost.Add(1)
	}
}

// end waits, but not for ever, until all that was added is written. It is called
// once.
func (q *journaldQueue) end() {
	close(q.ending)
	select {
	case <-q.ended:
	case <-time.After(journaldEnds):
	}
}

func (q *journaldQueue) run() {
	defer close(q.ended)
	for {
		select {
		case e := <-q.entries:
			q.write(e)
		case <-q.ending:
			for {
				select {
				case e := <-q.entries:
					q.write(e)
				default:
					return
				}
			}
		}
	}
}

func (q *journaldQueue) write(e journaldEntry) {
	if lost := q.lost.Swap(0); lost > 0 {
		text := fmt.Sprintf("%d entries of the log could not be written in time, and are lost", lost)
		q.put(journaldEntry{text, journal.PriWarning, nil})
	}
	q.put(e)
}

// put writes one entry, or, where journald does not take it, a line that has its
// priority in front, as sd-daemon(3) has it.
func (q *journaldQueue) put(e journaldEntry) {
	if err := q.send(e.message, e.priority, e.fields); err != nil {
		_, _ = fmt.Fprintf(q.instead, "<%d>%s\n", e.priority, e.message)
	}
}
