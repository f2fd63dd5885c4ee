package tracker

import (
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// sweepEvery is how often all incidents are looked at that may have to be told,
// whatever is known of them: what must be told is the difference at any moment,
// and the agenda only saves looking.
const sweepEvery = time.Minute

// An agenda says which incidents have to be looked at: those to which something
// has happened, and those whose time has come.
type agenda struct {
	all   bool
	some  map[incident.ID]bool
	wakes map[incident.ID]time.Time
	next  time.Time // no wake is before it; zero: there is none
	swept time.Time
}

// newAgenda returns an agenda with everything on it, as after a start.
func newAgenda() agenda {
	return agenda{all: true, some: map[incident.ID]bool{}, wakes: map[incident.ID]time.Time{}}
}

// touch notes that an incident has to be looked at.
func (a *agenda) touch(id incident.ID) { a.some[id] = true }

// everything notes that all incidents have to be looked at: something has happened that
// concerns all.
func (a *agenda) everything() { a.all = true }

// wake notes when an incident is to be looked at again; zero: only when
// something happens.
func (a *agenda) wake(id incident.ID, at time.Time) {
	if at.IsZero() {
		delete(a.wakes, id)
		return
	}
	a.wakes[id] = at
	if a.next.IsZero() || at.Before(a.next) {
		a.next = at
	}
}

// take returns what has to be looked at now.
func (a *agenda) take(now time.Time) (all bool, some map[incident.ID]bool) {
	if !a.next.IsZero() && !a.next.After(now) {
		// wake finds it again among those that stay.
		a.next = time.Time{}
		for id, at := range a.wakes {
			if at.After(now) {
				a.wake(id, at)
			} else {
				a.some[id] = true
			}
		}
	}
	all, some = a.all, a.some
	// Only when something is to be done anyway: the sweep wakes nobody.
	if len(some) > 0 && now.Sub(a.swept) >= sweepEvery {
		all = true
	}
	if all {
		a.swept = now
	}
	a.all, a.some = false, map[incident.ID]bool{}
	return all, some
}

// withTouched adds what was touched since to what was taken, and takes it.
func (a *agenda) withTouched(taken map[incident.ID]bool) map[incident.ID]bool {
	for id := range a.some {
		taken[id] = true
	}
	a.some = map[incident.ID]bool{}
	return taken
}

// due returns when take has something to give; zero: when something has happened.
func (a *agenda) due(now time.Time) time.Time {
	if a.all || len(a.some) > 0 {
		return now
	}
	return a.next
}
