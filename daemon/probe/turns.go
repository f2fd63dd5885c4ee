package probe

import (
	"context"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// turns are the probes of one check, one after the other. A timer starts each;
// the end of each sets the timer for the next.
type turns struct {
	loop  *Loop
	id    config.CheckID
	check config.Probe
	ctx   context.Context //nolint:containedctx // of the Run that all of this belongs to
	over  chan struct{}   // closed when nothing happens any more

	// Guarded by loop.mu.
	timer *time.Timer
	due   time.Time
	busy  bool // a probe is running, or waits for its slot
	again bool // another one is wanted right after it
	ended bool
}

// begin sets the timer for the first probe.
func (t *turns) begin() {
	fillDefaults(&t.check)
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	if t.ended {
		return
	}
	first := t.loop.enter(t)
	t.due = time.Now().Add(first)
	t.timer = time.AfterFunc(first, t.take)
}

// soon wants a probe now. loop.mu is held.
func (t *turns) soon() {
	if t.busy {
		t.again = true
		return
	}
	t.due = time.Now()
	t.timer.Reset(0)
}

// stop lets nothing begin any more, and waits for what is under way: its
// context has been cancelled.
func (t *turns) stop() {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
		t.loop.leave(t)
	}
	if !t.busy {
		close(t.over)
	}
}

// take is one turn: a probe, its report, and the timer for the next.
func (t *turns) take() {
	due, ok := t.claim()
	if !ok {
		return
	}
	var pace incident.Pace
	select {
	case <-t.ctx.Done():
	case t.loop.slots <- struct{}{}:
		if t.loop.Lag != nil {
			t.loop.Lag(t.id, max(0, time.Since(due)))
		}
		result := t.probe()
		if t.ctx.Err() == nil {
			pace = t.loop.Report(t.ctx, result)
		}
	}
	t.next(pace)
}

// claim makes sure that no two probes of a check run at a time.
func (t *turns) claim() (due time.Time, ok bool) {
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	if t.ended || t.busy {
		return time.Time{}, false
	}
	t.busy = true
	return t.due, true
}

// probe gives its slot back before the result is reported: a tracker that is
// slow must not keep others from probing.
func (t *turns) probe() incident.Result {
	defer func() { <-t.loop.slots }()
	return t.loop.Probe(t.ctx, t.id, t.check)
}

// next ends a turn.
func (t *turns) next(pace incident.Pace) {
	now := time.Now()
	pause := pauseAfter(t.id, t.check, pace, now)
	t.loop.mu.Lock()
	defer t.loop.mu.Unlock()
	t.busy = false
	if t.ended {
		close(t.over)
		return
	}
	if t.again {
		t.again, pause = false, 0
	}
	t.due = now.Add(pause)
	t.timer.Reset(pause)
}
