package daemon

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A deciding is who holds incidents in this process. On a single machine that is one tracker,
// from the start to the end. Several nodes share one that begins and ends with each change of who
// decides, and each has one of its own beside it.
type deciding struct {
	// own is this machine's: its own troubles, and all incidents of a single machine.
	own *tracker.Tracker
	// inForce returns the tracker whose incidents are shown just now, which may be own; nil: there is
	// no other than own.
	inForce func() *tracker.Tracker
	// shared is the last that was opened of those that several nodes share, in force or not; nil: none was.
	shared atomic.Pointer[tracker.Tracker]
}

// shown returns the tracker whose incidents are shown, and changed, here.
func (d *deciding) shown() *tracker.Tracker {
	if d.inForce == nil {
		return d.own
	}
	return d.inForce()
}

// holder returns the tracker that has an incident: own, for a trouble of this machine and for what it told
// alone, or the one that is shown.
func (d *deciding) holder(ctx context.Context, id incident.ID) *tracker.Tracker {
	return d.ownOrShown(d.owns(ctx, id))
}

// sender returns the tracker that has a message: own, for one about an incident of this machine, or the
// one that is shown.
func (d *deciding) sender(ctx context.Context, key outbox.Key) *tracker.Tracker {
	return d.ownOrShown(d.sendsItself(ctx, key))
}

func (d *deciding) ownOrShown(own bool) *tracker.Tracker {
	if own {
		return d.own
	}
	return d.shown()
}

// owns reports whether an incident is one of this machine alone, beside those that are shown.
func (d *deciding) owns(ctx context.Context, id incident.ID) bool {
	return d.onlyOwnHas(ctx, func(s *tracker.Snapshot) bool { return s.HasIncident(id) })
}

// sendsItself reports whether this machine sends a message for itself alone.
func (d *deciding) sendsItself(ctx context.Context, key outbox.Key) bool {
	return d.onlyOwnHas(ctx, func(s *tracker.Snapshot) bool { return s.HasDelivery(key) })
}

// onlyOwnHas reports whether the tracker of this machine has something that the one that is shown has not.
// What both have was of this machine before there were several nodes, and is of all of them now.
func (d *deciding) onlyOwnHas(ctx context.Context, has func(*tracker.Snapshot) bool) bool {
	shown := d.shown()
	if shown == d.own {
		return false
	}
	s, err := d.own.Snapshot(ctx)
	if err != nil || !has(s) {
		return false
	}
	all, err := shown.Snapshot(ctx)
	return err != nil || !has(all)
}

// all lists the trackers whose incidents are known here.
func (d *deciding) all() []*tracker.Tracker {
	if shown := d.shown(); shown != d.own {
		return []*tracker.Tracker{d.own, shown}
	}
	return []*tracker.Tracker{d.own}
}

// both lists the trackers of a node of several, in force or not; a single machine has none beside own.
func (d *deciding) both() []*tracker.Tracker {
	if shared := d.shared.Load(); shared != nil {
		return []*tracker.Tracker{d.own, shared}
	}
	return nil
}

// attempted hands the outcome of one attempt of the sender to whoever had it made.
func (d *deciding) attempted(a outbox.Attempt) {
	for _, t := range d.all() {
		t.Attempted(a) // who does not know of it ignores it
	}
}

// configure gives a configuration to this machine's tracker, and returns when its incidents follow it.
func (d *deciding) configure(cfg *config.Config) {
	// It fails only when the tracker has stopped: the daemon is ending, and no probe
	// begins any more.
	_ = d.own.Configure(context.Background(), cfg)
}

// answerTime returns how long whoever decides may take to answer, beyond which it counts as stuck.
func (d *deciding) answerTime() time.Duration {
	if d.own == d.shown() {
		return answerTime
	}
	return sharedAnswerTime
}

// ping returns when each tracker has finished a round that began after the call. One that has ended,
// since another node decides now, is not stuck.
func (d *deciding) ping(ctx context.Context) error {
	for _, t := range d.all() {
		if err := t.Ping(ctx); err != nil && (t == d.own || ctx.Err() != nil) {
			return err
		}
	}
	return nil
}
