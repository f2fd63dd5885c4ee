package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// How long a question waits for the tracker that takes the place of one that has ended, and how often it looks.
const (
	replacementTime  = 3 * time.Second
	replacementPause = 50 * time.Millisecond
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

// snapshot returns the tracker whose incidents are shown, and what it knows. Where it has just ended, since another node
// decides now, it waits a moment for the one that takes its place.
func (d *deciding) snapshot(ctx context.Context) (*tracker.Tracker, *tracker.Snapshot, error) {
	look := time.NewTicker(replacementPause)
	defer look.Stop()
	for began := time.Now(); ; {
		t := d.shown()
		s, err := t.Snapshot(ctx)
		hasEnded := errors.Is(err, tracker.ErrStopped) || errors.Is(err, journal.ErrReplaced)
		if !hasEnded || d.inForce == nil || time.Since(began) >= replacementTime {
			return t, s, err
		}
		select {
		case <-ctx.Done():
			return t, nil, ctx.Err()
		case <-look.C:
		}
	}
}

// holder returns the tracker that has an incident: own, for a trouble of this machine and for what it told
// alone, or the one that is shown.
func (d *deciding) holder(ctx context.Context, id incident.ID) *tracker.Tracker {
	return d.ownOrShown(d.owns(ctx, id))
}

// here returns the id that an incident has here: on a node that is alone, also of one that all nodes know by another.
func (d *deciding) here(ctx context.Context, id incident.ID) incident.ID {
	own, err := d.own.Snapshot(ctx)
	if err != nil || own.HasIncident(id) {
		return id
	}
	for known, other := range d.others(ctx, own) {
		if other == id {
			return known
		}
	}
	return id
}

// others returns, while this node is alone, the shared id of each of its open incidents that all nodes know too. Keys
// are the node's own ids. nil: it is not alone.
func (d *deciding) others(ctx context.Context, own *tracker.Snapshot) map[incident.ID]incident.ID {
	shared := d.shared.Load()
	if shared == nil || d.shown() != d.own {
		return nil
	}
	all, err := shared.Snapshot(ctx)
	if err != nil {
		return nil
	}
	others := map[incident.ID]incident.ID{}
	for state := range all.Incidents() {
		in := &state.Incident
		c, known := own.Check(in.Check)
		if !known || !in.Open() {
			continue
		}
		for i := range c.Incidents {
			if c.Incidents[i].Condition == in.Condition && c.Incidents[i].Open() {
				others[c.Incidents[i].ID] = in.ID
			}
		}
	}
	return others
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
