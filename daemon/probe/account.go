package probe

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// slowDown is how long the login waits after the second, third, ... rejection
// in a row, so that the monitor does not get itself banned.
var slowDown = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// rejectionsBefore the login waits for the first time: two, because an incident
// needs two observations.
const rejectionsBefore = 2

// An account is what was learned of a check's login.
type account struct {
	turn     int       // whose turn it is among the addresses
	last     time.Time // the last login
	rejected int       // rejections in a row
	same     int       // logins in a row that ended alike, good or bad
	good     bool      // how the last one ended
	wait     time.Time // no login before this
}

// due reports whether a probe that starts now is to log in.
func (a *account) due(login config.Login, interval time.Duration, now time.Time) bool {
	switch {
	case a == nil, now.Before(a.wait):
		return false
	case login.Every == 0, a.same < rejectionsBefore:
		return true // a change of heart is confirmed before the pace of "every" is kept
	}
	return now.Sub(a.last) >= login.Every-interval/2
}

// loginEnd is how a login ended, as far as the pace of the next is concerned.
type loginEnd int

const (
	noLogin       loginEnd = iota // not tried, or its end says nothing
	loginGood                     // logged in, and the mailbox as well where there is one
	loginRejected                 // refused in a way that repeated may get the monitor banned
	loginFailed                   // another trouble with the account
)

// ended notes a login.
func (a *account) ended(how loginEnd, now time.Time) {
	if how == noLogin {
		return
	}
	good := how == loginGood
	if a.last.IsZero() || good != a.good {
		a.same = 0
	}
	a.same++
	a.good, a.last = good, now
	if how != loginRejected {
		a.rejected, a.wait = 0, time.Time{}
		return
	}
	a.rejected++
	if n := a.rejected - rejectionsBefore; n >= 0 {
		a.wait = now.Add(slowDown[min(n, len(slowDown)-1)])
	}
}

// rememberAccount keeps how the login of this round ended.
func (r *round) rememberAccount(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	for _, o := range outcomes {
		if r.past.account != nil {
			r.past.account.ended(o.login, r.started)
		}
	}
}

// RetryLogin makes the next probe of a check log in, however often its login
// was rejected: somebody asked for a recheck.
func (p *Prober) RetryLogin(id config.CheckID) {
	p.memory.mu.Lock()
	past := p.memory.checks[id]
	p.memory.mu.Unlock()
	if past == nil {
		return
	}
	past.mu.Lock()
	defer past.mu.Unlock()
	if past.account != nil {
		past.account.wait, past.account.same = time.Time{}, 0
	}
}

// banned adds to a hint what our own rejected logins may have caused.
func (c *conversation) banned() string {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	if c.past.account == nil || c.past.account.rejected == 0 {
		return ""
	}
	return " Logins of this check were rejected before: perhaps this machine is banned there."
}

// accountFailure is a failure of the probe's own credentials or mailbox: the
// service may be well.
func accountFailure(phase incident.Phase, cause incident.Cause, hint string) *failure {
	return &failure{phase: phase, cause: cause, condition: incident.Account, health: incident.Degraded, hint: hint}
}
