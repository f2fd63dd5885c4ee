package probe

import (
	"context"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// accounts keep a user from being logged in twice at a time at one server, since
// servers limit sessions by user and the monitor must not use them up, and from
// being rejected so often that the monitor is banned.
//
// Checks that have to wait for their turn stand in a queue, also after their probe
// has ended without a login: whoever logged in the longest time ago is next, and
// is called for a probe of its own as soon as the turn is free. So a login that
// hangs costs each check that shares the account one turn, and keeps none from it.
type accounts struct {
	// call tells a check that its turn has come, so that it is probed now. nil:
	// nobody is called, and only those whose probe is waiting get a turn.
	call func(config.CheckID)

	mu    sync.Mutex
	known map[accountKey]*account
	swept time.Time
}

// A turn is what came of asking for one.
type turn int

const (
	turnTaken  turn = iota
	turnMissed      // others had it all the time
	turnPaused      // the account has to wait after rejections
)

// patience is how long a probe waits for another probe's session to end before
// it goes without a login.
const patience = 5 * time.Second

// awaitTurn waits for a check's turn to log in. Whoever misses it stays in the queue.
func (a *accounts) awaitTurn(ctx context.Context, c claim, wait time.Duration) turn {
	w := &waiter{claim: c, present: true}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		got, news := a.takeTurn(w)
		if news == nil {
			return got
		}
		select {
		case <-news:
		case <-timer.C:
			a.missTurn(w)
			return turnMissed
		case <-ctx.Done():
			a.leaveQueue(c.key, c.place.check)
			return turnMissed
		}
	}
}

// takeTurn takes the turn if it is this waiter's. Else it returns a channel that is
// closed when it is worth trying again.
func (a *accounts) takeTurn(w *waiter) (got turn, news <-chan struct{}) {
	defer a.lockAndCall(w.key)()
	acc := a.accountFor(w.key)
	acc.queueUp(w)
	now := time.Now()
	switch {
	case acc.mustWait(w.claim, now):
		w.present = false
		acc.wakeWaiting()
		return turnPaused, nil
	case !w.present: // the session before broke down while it waited; see endTurn
		return turnMissed, nil
	case !acc.held && acc.nextWaiter(now, a.call != nil) == w:
		acc.held = true
		acc.remove(w.place.check)
		acc.lease++
		if lease := acc.lease; acc.likelyToHang(w.place.check) {
			acc.yield = time.AfterFunc(w.timeout/4, func() { a.giveWay(w.claim, lease) })
		}
		return turnTaken, nil
	}
	if acc.news == nil {
		acc.news = make(chan struct{})
	}
	return 0, acc.news
}

// missTurn notes that a probe waits no longer; its check stays in the queue.
func (a *accounts) missTurn(w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.present = false
}

// queueUp puts a check whose login has to wait after rejections into the queue.
func (a *accounts) queueUp(c claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accountFor(c.key).queueUp(&waiter{claim: c})
}

// endTurn ends a session, and notes how its login ended. Where the login broke down, be it by a
// timeout, the checks whose probe is waiting have less time left than a login may take: they are
// called anew. A check that had no full turn keeps its place.
func (a *accounts) endTurn(c claim, how verdict.Login) {
	defer a.lockAndCall(c.key)()
	acc := a.accountFor(c.key)
	switch {
	// Its turn was passed on while it had no answer; somebody else may have it now.
	case acc.gaveWay[c.place] > 0:
		acc.gaveWay[c.place]--
	case how == verdict.LoginUntried:
		acc.passTurn(false)
	default:
		acc.noteServed(c.place.check)
		acc.passTurn(how == verdict.LoginBroken)
	}
	if how == verdict.LoginUntried {
		acc.queueUp(&waiter{claim: c})
	}
}

// giveWay passes on the turn of a login that had no answer for a quarter of its time,
// where those before had none at all: no session has come of it, and waiting for each
// login to time out would keep the others from their turn for minutes. At most four
// logins of an account hang at a time. With an answer a login keeps its turn to the
// end: it may be a session now.
func (a *accounts) giveWay(c claim, lease uint64) {
	defer a.lockAndCall(c.key)()
	acc := a.accountFor(c.key)
	// The timer may fire just when the turn passes on: another lease is another login.
	if !acc.held || !acc.likelyToHang(c.place.check) || acc.lease != lease {
		return
	}
	if acc.gaveWay == nil {
		acc.gaveWay = map[place]int{}
	}
	acc.gaveWay[c.place]++
	acc.noteServed(c.place.check)
	acc.passTurn(true)
}

// noteUnanswered notes that a login had no answer at all.
func (a *accounts) noteUnanswered(c claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.accountFor(c.key)
	if acc.silent == nil {
		acc.silent = map[config.CheckID]bool{}
	}
	acc.silent[c.place.check] = true
}

// noteAnswered notes that a login had an answer.
func (a *accounts) noteAnswered(c claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accountFor(c.key).silent = nil
}

// leaveQueue removes a check from the queue: it does not want to log in any more, or could not use
// its turn.
func (a *accounts) leaveQueue(key accountKey, id config.CheckID) {
	defer a.lockAndCall(key)()
	acc := a.accountFor(key)
	acc.remove(id)
	acc.wakeWaiting()
}

// lockAndCall locks the accounts, and returns what unlocks them and then calls the check whose turn
// it has become. The call is made without the lock, since it takes locks of its own.
func (a *accounts) lockAndCall(key accountKey) (done func()) {
	a.mu.Lock()
	return func() {
		called := a.accountFor(key).nextToCall(time.Now(), a.call != nil)
		a.mu.Unlock()
		if called != "" {
			a.call(called)
		}
	}
}
