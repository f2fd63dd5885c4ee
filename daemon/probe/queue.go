package probe

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A queue is who is logged in, and who waits for it.
type queue struct {
	held    bool                    // somebody has the turn
	lease   uint64                  // counts the turns that were taken
	silent  map[config.CheckID]bool // whose logins had no answer at all, since one had
	yield   *time.Timer             // until a login that has no answer gives way; nil: it has to have one
	gaveWay map[place]int           // conversations that go on without the turn
	waiting []*waiter
	served  map[config.CheckID]uint64 // when each check had its last turn, counted in turns
	turns   uint64
	news    chan struct{} // closed when somebody should look again
}

// A waiter is a check that wants to log in.
type waiter struct {
	claim
	present bool      // its probe is waiting just now
	until   time.Time // it was called, and its turn is kept for it until then
}

// noteServed notes that a check had its turn.
func (q *queue) noteServed(id config.CheckID) {
	if q.served == nil {
		q.served = map[config.CheckID]uint64{}
	}
	q.turns++
	q.served[id] = q.turns
}

// passTurn ends a turn. Those whose probe is waiting may take it, or are called anew.
func (q *queue) passTurn(anew bool) {
	q.held = false
	if q.yield != nil {
		q.yield.Stop()
		q.yield = nil
	}
	for _, w := range q.waiting {
		w.present = w.present && !anew // has its probe go on without a login, and another begin
	}
	q.wakeWaiting()
}

// likelyToHang reports whether a login of a check is likely to have no answer: its last one
// had none, or those of two others, and nobody had one since.
func (q *queue) likelyToHang(id config.CheckID) bool { return q.silent[id] || len(q.silent) > 1 }

// queueUp puts a waiter into the queue, in the place of an older one of the same
// check.
func (q *queue) queueUp(w *waiter) {
	for i, other := range q.waiting {
		if other == w {
			return
		}
		if other.place.check == w.place.check && !other.present {
			q.waiting[i] = w
			return
		}
	}
	q.waiting = append(q.waiting, w)
}

// remove removes the waiters of a check from the queue.
func (q *queue) remove(id config.CheckID) {
	q.waiting = slices.DeleteFunc(q.waiting, func(w *waiter) bool { return w.place.check == id })
}

// wakeWaiting has all whose probes wait try again to take the turn.
func (q *queue) wakeWaiting() {
	if q.news != nil {
		close(q.news)
		q.news = nil
	}
}

// nextToCall returns the check that has to be called because its turn has come, if any,
// and keeps the turn for it as long as a probe may take.
func (a *account) nextToCall(now time.Time, able bool) (called config.CheckID) {
	w := a.nextWaiter(now, able)
	if w == nil || a.held || w.present || !w.until.IsZero() {
		return ""
	}
	w.until = now.Add(w.timeout)
	return w.place.check
}

// nextWaiter returns whose turn it is: of those who need not wait after rejections, the one
// whose last turn is the longest ago. Who was called and did not come in time has
// lost its place; so has, where nobody can be called, whoever is not there.
func (a *account) nextWaiter(now time.Time, able bool) (next *waiter) {
	a.waiting = slices.DeleteFunc(a.waiting, func(w *waiter) bool {
		return !w.present && (!able || !w.until.IsZero() && now.After(w.until))
	})
	for _, w := range a.waiting {
		if !a.mustWait(w.claim, now) && (next == nil || a.served[w.place.check] < a.served[next.place.check]) {
			next = w
		}
	}
	return next
}
