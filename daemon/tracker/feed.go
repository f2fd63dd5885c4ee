package tracker

import "github.com/imapvigil/imapvigil/daemon/incident"

// A Feed hears of everything that happens, once it is journaled: history, metrics and
// pages that show it at once stand on it. It is called in the goroutine that decides
// alarms, and must return at once: it may keep a value or count, never wait for a lock
// that is held during I/O, for a channel or for a disk. What it cannot keep up with it
// has to drop, and find again by [Snapshot.Changes].
type Feed interface {
	// Result hears of one probe of a check that is in the files and not paused. The
	// result is shared, and nobody may change it.
	Result(r incident.Result)
	// Events hears of the events of one round, in the order in which they happened and
	// after the results of the round.
	Events(list []incident.Event)
}

// feed hands on what a round came to. It comes last in a round: messages are sent and
// those who asked are answered before.
func (t *Tracker) feed(r *round) {
	for _, result := range r.results {
		t.Feed.Result(result)
	}
	if len(r.events) > 0 {
		t.Feed.Events(r.events)
	}
	for _, tell := range r.outcomes {
		tell()
	}
}
