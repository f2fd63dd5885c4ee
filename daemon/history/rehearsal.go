package history

import (
	"context"
	"time"
)

// A Rehearsal is a history whose clock is turned by hand, so that months are written in seconds:
// for tests of what is made of a history, and for demonstrations.
type Rehearsal struct {
	*Store
	writer *writer
	clock  time.Time
}

// Rehearse begins a rehearsal at a time.
func Rehearse(o Options, begins time.Time) *Rehearsal {
	r := &Rehearsal{Store: Open(o), clock: begins}
	r.now, r.begun = func() time.Time { return r.clock }, begins
	r.writer = &writer{Store: r.Store, packer: newPacker()}
	return r
}

// Write turns the clock to a time, and writes what has come in since the last time.
func (r *Rehearsal) Write(ctx context.Context, now time.Time) error {
	r.clock = now
	return r.writer.round(ctx)
}

// Close ends the rehearsal, as a daemon ends that is stopped.
func (r *Rehearsal) Close(ctx context.Context) {
	r.writer.closeClean(ctx)
	r.writer.close()
}
