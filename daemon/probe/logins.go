package probe

import (
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// logins are what was learned of the logins of one check, address by address.
type logins struct {
	at    map[netip.Addr]*loginState
	last  time.Time // the last login, at whatever address
	count int       // of logins; the first is confirmed by a second

	heard   uint64    // the number of the account's last rejection that this check has observed
	confirm time.Time // when the fault_tolerance of its account failure is over; zero: nothing is to be confirmed
	retry   bool      // somebody asked for a recheck
	waiting bool      // it stands in the queue of its account
}

// A loginState is what was learned of the logins at one address.
type loginState struct {
	end      verdict.Login // how the last one ended
	last     time.Time     // when that was
	seen     time.Time     // when the address was probed last
	rejected int           // rejections in a row
	unsure   bool          // the last login says something new, and is to be confirmed
	worked   time.Time     // the last one that did
	with     uint64        // a hash of the check as it was then
	refused  time.Time     // the first one since then that did not work
}

// isDue reports whether a probe that starts now is to log in somewhere. What is new
// is confirmed before the pace of "every" is kept, and a service that fails at the
// login is looked at each time.
func (l *logins) isDue(check config.Probe, now time.Time) bool {
	nearest := check.Login.Every - check.Interval/2 // the probe that comes nearest to it has the login
	if check.Login.Every == 0 || l.count < 2 || l.retry || l.mustConfirm(now) || now.Sub(l.last) >= nearest {
		return true
	}
	for _, s := range l.at {
		if s.unsure || s.end == verdict.LoginBroken {
			return true
		}
	}
	return false
}

// mustConfirm reports whether a login has to confirm now that the account fails: its
// fault_tolerance is over.
func (l *logins) mustConfirm(now time.Time) bool {
	return !l.confirm.IsZero() && !now.Before(l.confirm)
}

// waitsToConfirm reports whether the second login at an address that rejected one waits for
// the end of fault_tolerance. It confirms the failure just as well then, and the
// pauses that follow delay no report.
func (l *logins) waitsToConfirm(ip netip.Addr, now time.Time) bool {
	s := l.at[ip]
	return s != nil && s.rejected == 1 && now.Before(l.confirm) && !l.retry
}

// sortByNeed sorts addresses by where the login is wanted most: where its last end is to
// be confirmed or the service failed, else where it was the longest ago.
func (l *logins) sortByNeed(ips []netip.Addr) {
	rank := func(ip netip.Addr) int {
		switch s := l.at[ip]; {
		case s == nil:
			return 2
		case s.unsure && s.end != verdict.LoginGood, s.end == verdict.LoginBroken:
			return 0
		case s.unsure:
			return 1
		}
		return 2
	}
	last := func(ip netip.Addr) (t time.Time) {
		if s := l.at[ip]; s != nil {
			t = s.last
		}
		return t
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int {
		if ra, rb := rank(a), rank(b); ra != rb {
			return ra - rb
		}
		return last(a).Compare(last(b))
	})
}

// noteEnd notes how a login at an address ended. check is a hash of the check's
// settings.
func (l *logins) noteEnd(ip netip.Addr, how verdict.Login, check uint64, now time.Time) {
	if !how.Tried() {
		return
	}
	if l.at == nil {
		l.at = map[netip.Addr]*loginState{}
	}
	s := l.at[ip]
	isNew := s == nil
	if isNew {
		s = &loginState{}
		l.at[ip] = s
	}
	good, was := how == verdict.LoginGood, s.end == verdict.LoginGood
	s.unsure = isNew && !good || !isNew && good != was // an incident opens, and closes, with two observations
	s.rejected++
	if how != verdict.LoginRejected {
		s.rejected = 0
	}
	s.end, s.last, s.seen = how, now, now
	// A recheck asks for one login, wherever it ran.
	l.last, l.retry = now, false
	l.count++
	switch {
	case good:
		s.worked, s.with, s.refused = now, check, time.Time{}
	case s.refused.IsZero():
		s.refused = now
	}
}

// brokeAt returns 1 for an address at whose login the service failed the last time, else
// 0: with the policy "any" the others come first.
func (l *logins) brokeAt(ip netip.Addr) int {
	if s := l.at[ip]; s != nil && s.end == verdict.LoginBroken {
		return 1
	}
	return 0
}

// anyRejected reports whether any address rejected its last login.
func (l *logins) anyRejected() bool {
	for _, s := range l.at {
		if s.rejected > 0 {
			return true
		}
	}
	return false
}

// forgetGone forgets addresses that have been gone from DNS for long enough.
func (l *logins) forgetGone(found []netip.Addr, now time.Time) {
	for ip, s := range l.at {
		if slices.Contains(found, ip) {
			s.seen = now
		} else if now.Sub(s.seen) >= withdrawnAfter {
			delete(l.at, ip)
		}
	}
}

// brokeAt returns the same as [logins.brokeAt], for callers that do not hold p.mu, and 0 for a
// check without a login.
func (p *past) brokeAt(ip netip.Addr) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logins == nil {
		return 0
	}
	return p.logins.brokeAt(ip)
}

// ExpectLogin tells when the tracker needs a login of a check to confirm that its
// account fails; see [incident.Pace].
func (p *Prober) ExpectLogin(id config.CheckID, by time.Time) {
	p.changeLogins(id, func(l *logins) { l.confirm = by })
}

// RetryLogin makes the next probe of a check log in, however often its login
// was rejected: somebody asked for a recheck.
func (p *Prober) RetryLogin(id config.CheckID) {
	p.changeLogins(id, func(l *logins) { l.retry = true })
}

// changeLogins changes what is known of a check's logins, if anything is.
func (p *Prober) changeLogins(id config.CheckID, change func(*logins)) {
	p.memory.mu.Lock()
	past := p.memory.checks[id]
	p.memory.mu.Unlock()
	if past == nil {
		return
	}
	past.mu.Lock()
	defer past.mu.Unlock()
	if past.logins != nil {
		change(past.logins)
	}
}
