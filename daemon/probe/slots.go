package probe

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// quickTime is what a server that is well stays below, be it on the other side
// of the world.
const quickTime = 2 * time.Second

// quickFor returns how long a probe of this check counts as quick. With a short
// timeout even those that hang end soon.
func quickFor(check *config.Probe) time.Duration { return min(quickTime, check.Timeout/2) }

// errMakeRoom ends a probe whose slot is needed for those that are quick.
var errMakeRoom = errors.New("making room for probes that are quick")

// Slots are how many probes run at once, shared out so that servers that hang,
// however many, do not keep the others from being probed:
//
//   - Checks whose last probe was slow get at most half of the slots. The other
//     half stays free for those that were quick, and for those of which nothing
//     is known.
//   - Who turns out to be slow only now, as a thousand servers do when a network
//     goes down, or at the start, counts as slow from then on. Where more than
//     half of the slots are lost to such probes, and quick ones wait, the
//     youngest of them gives its slot back; its check is probed again, as a slow
//     one. That happens to a check once, until it was quick again.
//
// Within these bounds all are served in the order in which they came, so neither
// kind can starve the other. A probe that was told to go has its slot until it is
// gone: there are never more than the limit.
type slots struct {
	mu      sync.Mutex
	limit   int
	most    int // of the limit, for slow ones
	taken   int
	slow    int       // of those taken, by checks that were known to be slow
	leaving int       // of those taken, by probes that were told to go
	over    list.List // of *slot: began as quick, and are not; in that order
	quick   list.List // of *slot: wait, in the order in which they came
	queue   list.List // likewise, the slow ones
	tickets uint64
}

// A slot is a place among the probes that run, or the wait for one.
type slot struct {
	context.Context // of the probe

	slow   bool
	ticket uint64
	given  chan struct{} // closed when it is
	cancel context.CancelCauseFunc
	timer  *time.Timer // until it is no longer quick; nil: it never was

	// Guarded by slots.mu.
	in    *list.List // what it is in; nil: nothing
	place *list.Element
	told  bool // to go
	gone  bool
}

func newSlots(limit int) *slots { return &slots{limit: limit, most: max(1, limit/2)} }

// enter waits for a slot; slow is how the check's last probe was, and quick is how long this one
// counts as quick. It returns nil when ctx ends before that. Later it is the slot's own cancel that
// ends the probe: ctx would keep a map of its children, empty most of the time, for each check.
func (s *slots) enter(ctx context.Context, slow bool, quick time.Duration) *slot {
	w := &slot{slow: slow, given: make(chan struct{})}
	w.Context, w.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.waitForTurn(w)
	select {
	case <-w.given:
	case <-ctx.Done():
		s.leave(w)
		return nil
	}
	if !slow {
		w.timer = time.AfterFunc(quick, func() { s.markSlow(w) })
	}
	return w
}

// leave gives a slot back, or gives up the wait for one. It reports whether what the probe found
// counts: it does not when the probe was told to go.
func (s *slots) leave(w *slot) (counts bool) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.gone = true
	waited := w.in == &s.quick || w.in == &s.queue
	w.remove()
	if waited {
		return false
	}
	s.taken--
	if w.slow {
		s.slow--
	}
	if w.told {
		s.leaving--
	}
	s.shareOut()
	return !w.told
}

func (s *slots) waitForTurn(w *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets++
	w.ticket = s.tickets
	if w.slow {
		w.add(&s.queue)
	} else {
		w.add(&s.quick)
	}
	s.shareOut()
}

func (s *slots) markSlow(w *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The timer may fire while the probe is leaving.
	if !w.gone {
		w.add(&s.over)
		s.shareOut()
	}
}

// shareOut gives out what is free, and sees to it that enough becomes free. s.mu
// is held.
func (s *slots) shareOut() {
	for w := s.nextInLine(); w != nil && s.taken < s.limit; w = s.nextInLine() {
		w.remove()
		s.taken++
		if w.slow {
			s.slow++
		}
		close(w.given)
	}
	// Each probe that was told to go frees one slot, so no more are told than quick ones wait.
	for s.quick.Len() > s.leaving && s.over.Len() > 0 && s.slow+s.over.Len() > s.most {
		w := s.over.Back().Value.(*slot)
		w.remove()
		w.told = true
		s.leaving++
		w.cancel(errMakeRoom)
	}
}

// nextInLine returns who gets the next slot; nil: nobody may. s.mu is held.
func (s *slots) nextInLine() *slot {
	quick, _ := frontOf(&s.quick)
	slow, waits := frontOf(&s.queue)
	if !waits || s.slow+s.over.Len() >= s.most || quick != nil && quick.ticket < slow.ticket {
		return quick
	}
	return slow
}

func frontOf(l *list.List) (*slot, bool) {
	if e := l.Front(); e != nil {
		w, ok := e.Value.(*slot)
		return w, ok
	}
	return nil, false
}

// add puts a slot at the end of a list. slots.mu is held.
func (w *slot) add(l *list.List) { w.in, w.place = l, l.PushBack(w) }

// remove takes a slot out of the list that it is in, if any. slots.mu is held.
func (w *slot) remove() {
	if w.in != nil {
		w.in.Remove(w.place)
		w.in, w.place = nil, nil
	}
}
