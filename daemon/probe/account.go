package probe

import (
	"hash/maphash"
	"net/netip"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// slowDown is how long the logins of an account wait after the second, third,
// ... rejection in a row, so that the monitor does not get itself banned.
var slowDown = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// rejectionsBefore the logins wait for the first time: two, because an incident
// needs two observations.
const rejectionsBefore = 2

// longRejected is how long a place counts as one that rejects without being
// tried: twice the longest wait. Its check or its address is gone by then.
const longRejected = 2 * time.Hour

// An accountKey names an account: a user at a server. Ports and addresses are no
// part of it, since servers ban by user and by client.
type accountKey struct{ user, host string }

func accountOf(check config.Probe) accountKey {
	return accountKey{check.Login.Username, strings.ToLower(strings.TrimSuffix(check.Hostname, "."))}
}

// AccountOf names the account that a check logs in to, for those who run checks
// side by side: there is one session of an account at a time. It is "" for a check
// that does not log in.
func AccountOf(check config.Probe) string {
	if check.Login == (config.Login{}) || check.Security == config.Plain {
		return ""
	}
	key := accountOf(check)
	return key.user + "@" + key.host
}

// A place is where a check logs in: the check stands for port and credentials.
type place struct {
	check config.CheckID
	ip    netip.Addr
}

// An account is what the checks that use one user at one server have to know of
// each other's logins. It is guarded by accounts.mu.
type account struct {
	queue

	rejected int                 // rejections in a row, wherever
	wait     time.Time           // no login before this, except as paused says
	asked    time.Time           // no login before this at all: the server itself asked for a pause
	early    bool                // one rejection came before the wait was over, and that is enough
	places   map[place]time.Time // that reject, with when they last did
	proven   map[place]bool      // that accepted a login since the last check began to be rejected
	last     rejection
	scram    scramPast

	using  map[config.CheckID]uint64 // hashes of the credentials of its checks
	edited time.Time                 // when a changed configuration last ended the wait
	used   time.Time
}

// A rejection is a login that was refused in a way that, repeated, may get the
// monitor banned.
type rejection struct {
	number      uint64 // counts the rejections of the account
	at          time.Time
	check       config.CheckID
	credentials uint64 // a hash
	finding     incident.Finding
}

// A claim is what a check that wants to log in has to say for itself.
type claim struct {
	key     accountKey
	place   place
	timeout time.Duration // of its probes
	final   bool          // the fault_tolerance of its account failure is over, and a login has to confirm it
	retry   bool          // somebody asked for a recheck
}

// mustWait reports whether a login has to wait, so that rejections come no faster
// than slowDown says. Not concerned are a recheck, and a place that accepted a login
// since the last check began to be rejected: its credentials are known to be right
// there. One rejection of them all may come early: at the end of a fault_tolerance, or
// while a single check is rejected, to see whether that is so for another one.
func (a *account) mustWait(c claim, now time.Time) bool {
	switch {
	// The server itself asked for this pause: only a person who wants a recheck outweighs it.
	case !c.retry && now.Before(a.asked):
		return true
	case c.retry, a.rejected < rejectionsBefore, !now.Before(a.wait), a.proven[c.place]:
		return false
	case a.early:
		return true
	}
	return !c.final && a.isRejected(c.place.check)
}

// isRejected reports whether a check was rejected, or two others were, which speak for
// it as well: what two checks of the same account were told is no matter of one port.
func (a *account) isRejected(id config.CheckID) bool {
	others := map[config.CheckID]bool{}
	for p := range a.places {
		others[p.check] = true
	}
	return others[id] || len(others) > 1
}

// noteAccepted notes that credentials were accepted. Where they were rejected before,
// something was repaired: nobody has to wait any more.
func (a *account) noteAccepted(p place) {
	// The server answered, so its logins do not hang any more.
	a.silent = nil
	if _, rejected := a.places[p]; rejected {
		a.endWait()
		return
	}
	if a.rejected > 0 {
		if a.proven == nil {
			a.proven = map[place]bool{}
		}
		a.proven[p] = true
	}
}

// noteRejected notes a rejection, and makes the next logins wait.
func (a *account) noteRejected(c claim, r rejection) {
	a.silent = nil
	known := false
	for p, at := range a.places {
		if r.at.Sub(at) >= longRejected { // even the longest wait would have led to another try
			delete(a.places, p)
		} else if p.check == c.place.check {
			known = true
		}
	}
	if !known {
		a.proven = nil // what is wrong here may be wrong there by now
	}
	delete(a.proven, c.place)
	if a.places == nil {
		a.places = map[place]time.Time{}
	}
	a.places[c.place] = r.at
	// A recheck that a person asked for does not use up the one early try.
	a.early = a.early || a.rejected >= rejectionsBefore && r.at.Before(a.wait) && !c.retry
	a.rejected++
	if n := a.rejected - rejectionsBefore; n >= 0 {
		a.wait = r.at.Add(slowDown[min(n, len(slowDown)-1)])
	}
	r.number = a.last.number + 1
	a.last = r
}

// endWait ends the wait and begins to count anew.
func (a *account) endWait() {
	a.rejected, a.wait, a.asked, a.early, a.places, a.proven = 0, time.Time{}, time.Time{}, false, nil, nil
}

// noteAccepted notes that a login was accepted.
func (a *accounts) noteAccepted(c claim) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accountFor(c.key).noteAccepted(c.place)
}

// noteRejected notes that a login was rejected, and returns the number of the rejection.
func (a *accounts) noteRejected(c claim, r rejection) (number uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.accountFor(c.key)
	acc.noteRejected(c, r)
	return acc.last.number
}

// mustWait reports whether a login has to wait; see [account.mustWait].
func (a *accounts) mustWait(c claim, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.accountFor(c.key).mustWait(c, now)
}

// sharedRejection returns the last rejection of an account while its logins wait, for the
// checks that have to wait with it: they all have the same credentials, and may
// take it as their own. What a single check was told is nobody else's.
func (a *accounts) sharedRejection(c claim, credentials uint64) (r rejection, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.accountFor(c.key)
	ok = acc.rejected >= rejectionsBefore && acc.isRejected(c.place.check) && acc.last.credentials == credentials
	return acc.last, ok
}

// oneEdit is how long changes of several checks count as one edit of the files:
// they all together end the wait once.
const oneEdit = time.Minute

// noteCredentials notes with which credentials a check logs in. A changed check ends the
// wait: at once where its credentials are new to the account, else once an edit.
func (a *accounts) noteCredentials(key accountKey, id config.CheckID, credentials uint64, changed bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.accountFor(key)
	acc.used = now
	a.forgetUnused(now)
	before, known := acc.using[id]
	acc.using[id] = credentials
	if !changed {
		return
	}
	untried := known && before != credentials // a password that no other check of the account was rejected with
	for other, hash := range acc.using {
		untried = untried && (other == id || hash != credentials)
	}
	// One edit may change many checks of the account. If each ended the wait anew, each could be
	// rejected once more.
	if untried || now.Sub(acc.edited) >= oneEdit {
		acc.edited = now
		acc.endWait()
	}
}

// accountFor returns an account, a new one where it is not known. a.mu is held.
func (a *accounts) accountFor(key accountKey) *account {
	acc := a.known[key]
	if acc == nil {
		acc = &account{using: map[config.CheckID]uint64{}, used: time.Now()}
		if a.known == nil {
			a.known = map[accountKey]*account{}
		}
		a.known[key] = acc
	}
	return acc
}

// forgetUnused forgets accounts that nobody uses any more, once an hour. a.mu is held.
func (a *accounts) forgetUnused(now time.Time) {
	if now.Sub(a.swept) < time.Hour {
		return
	}
	a.swept = now
	for key, acc := range a.known {
		// A login that is under way still has to end its turn here.
		if !acc.held && now.Sub(acc.used) > forgottenAfter {
			delete(a.known, key)
		}
	}
}

// hashCredentials returns a hash of what a server sees of a login, so that credentials can
// be compared and are kept nowhere.
func hashCredentials(login config.Login) uint64 {
	// Neither is sent with the login: another mailbox is no other password.
	login.Mailbox, login.Every = "", 0
	return maphash.Comparable(hashing, login)
}

// accountFailure returns a failure of the probe's own credentials or mailbox: the
// service may be well.
func accountFailure(phase config.Phase, cause config.Cause, hint string) *failure {
	return &failure{phase: phase, cause: cause, condition: config.ConditionAccount, health: incident.Degraded, hint: hint}
}
