package probe

import (
	"net/netip"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Logins are what was learned of the logins of one check, address by address.
type logins struct {
	at      map[netip.Addr]*loginState
	last    time.Time // the last login, at whatever address
	count   int       // of logins; the first is confirmed by a second
	worked  time.Time // the last one that worked
	refused time.Time // the first one since then that did not

	heard   uint64    // the number of the account's last rejection that this check has observed
	confirm time.Time // when the fault_tolerance of its account failure is over; zero: nothing is to be confirmed
	retry   bool      // somebody asked for a recheck
	waiting bool      // it stands in the queue of its account
}

// A loginState is what was learned of the logins at one address.
type loginState struct {
	end      loginEnd  // how the last one ended
	last     time.Time // when that was
	seen     time.Time // when the address was probed last
	rejected int       // rejections in a row
	unsure   bool      // the last login says something new, and is to be confirmed
}

// loginEnd is how a login ended, as far as the next ones are concerned.
type loginEnd int

const (
	noLogin       loginEnd = iota // not due, or its end says nothing
	loginUntried                  // due, but the account's turn was never ours
	loginPaused                   // the account has to wait after rejections
	loginHeard                    // paused, and the rejection is taken from another check of the account
	loginGood                     // logged in, and the mailbox as well where there is one
	loginRejected                 // refused in a way that repeated may get the monitor banned
	loginFailed                   // another trouble with the account
	loginBroken                   // the service failed at the login or the mailbox
)

// tried reports whether the server was asked.
func (e loginEnd) tried() bool { return e >= loginGood }

// bad reports whether the account was observed to be in trouble.
func (e loginEnd) bad() bool { return e == loginRejected || e == loginFailed || e == loginHeard }

// due reports whether a probe that starts now is to log in somewhere. What is new
// is confirmed before the pace of "every" is kept, and a service that fails at the
// login is looked at each time.
func (l *logins) due(check config.Probe, now time.Time) bool {
	if check.Login.Every == 0 || l.count < 2 || l.retry || l.final(now) || now.Sub(l.last) >= check.Login.Every-check.Interval/2 {
		return true
	}
	for _, s := range l.at {
		if s.unsure || s.end == loginBroken {
			return true
		}
	}
	return false
}

// final reports whether a login has to confirm now that the account fails: its
// fault_tolerance is over.
func (l *logins) final(now time.Time) bool { return !l.confirm.IsZero() && !now.Before(l.confirm) }

// held reports whether the second login at an address that rejected one waits for
// the end of fault_tolerance. It confirms the failure just as well then, and the
// pauses that follow delay no report.
func (l *logins) held(ip netip.Addr, now time.Time) bool {
	s := l.at[ip]
	return s != nil && s.rejected == 1 && now.Before(l.confirm) && !l.retry
}

// order sorts addresses by where the login is wanted most: where its last end is to
// be confirmed or the service failed, else where it was the longest ago.
func (l *logins) order(ips []netip.Addr) {
	rank := func(ip netip.Addr) int {
		switch s := l.at[ip]; {
		case s == nil:
			return 2
		case s.unsure && s.end != loginGood, s.end == loginBroken, s.end == loginFailed:
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

// ended notes how a login ended.
func (l *logins) ended(ip netip.Addr, how loginEnd, now time.Time) {
	if !how.tried() {
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
	good, was := how == loginGood, s.end == loginGood
	s.unsure = isNew && !good || !isNew && good != was
	s.rejected++
	if how != loginRejected {
		s.rejected = 0
	}
	s.end, s.last, s.seen = how, now, now
	l.last, l.retry = now, false
	l.count++
	switch {
	case good:
		l.worked, l.refused = now, time.Time{}
	case l.refused.IsZero():
		l.refused = now
	}
}

// rejected reports whether any address rejected its last login.
func (l *logins) rejected() bool {
	for _, s := range l.at {
		if s.rejected > 0 {
			return true
		}
	}
	return false
}

// keep forgets addresses that have been gone from DNS for long enough.
func (l *logins) keep(found []netip.Addr, now time.Time) {
	for ip, s := range l.at {
		if slices.Contains(found, ip) {
			s.seen = now
		} else if now.Sub(s.seen) >= withdrawnAfter {
			delete(l.at, ip)
		}
	}
}

// ExpectLogin tells when the tracker needs a login of a check to confirm that its
// account fails; see [incident.Pace].
func (p *Prober) ExpectLogin(id config.CheckID, by time.Time) {
	p.withLogins(id, func(l *logins) { l.confirm = by })
}

// RetryLogin makes the next probe of a check log in, however often its login
// was rejected: somebody asked for a recheck.
func (p *Prober) RetryLogin(id config.CheckID) {
	p.withLogins(id, func(l *logins) { l.retry = true })
}

// withLogins changes what is known of a check's logins, if anything is.
func (p *Prober) withLogins(id config.CheckID, change func(*logins)) {
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

// claim is what the check says when it wants to log in at an address. r.past.mu
// is held.
func (r *round) claim(ip netip.Addr) claim {
	l := r.past.logins
	c := claim{
		key: accountOf(r.check), place: place{r.id, ip}, timeout: r.check.Timeout,
		final: l.final(r.started), retry: l.retry,
	}
	if s := l.at[ip]; s != nil {
		c.good = s.end == loginGood
	}
	return c
}

// chooseLogins lets the login run at one of the addresses that were not failing,
// or, with the policy "any", wherever it is needed. r.past.mu is held.
func (r *round) chooseLogins(goals []goal) {
	l := r.past.logins
	if l == nil || r.check.Security == config.Plain {
		return
	}
	able := r.ableToLogIn(goals)
	l.keep(able, r.started)
	if !l.due(r.check, r.started) {
		r.leaveQueue()
		return
	}
	l.order(able)
	several, chosen := r.check.Addresses == config.AnyAddress, false
	if several {
		slices.SortStableFunc(goals, func(a, b goal) int { return l.breaks(a.ip) - l.breaks(b.ip) })
	}
	for _, ip := range able {
		c := r.claim(ip)
		if l.held(ip, r.started) {
			continue
		}
		if r.prober.accounts.paused(c, r.started) {
			r.paused = ip
			continue
		}
		i := slices.IndexFunc(goals, func(g goal) bool { return g.ip == ip })
		goals[i].login, chosen = true, true
		if !several {
			break
		}
	}
	if chosen {
		r.paused = netip.Addr{}
	} else if r.paused.IsValid() {
		r.prober.accounts.await(r.claim(r.paused))
		l.waiting = true
	}
}

// breaks is 1 for an address at whose login the service failed the last time, else
// 0: with the policy "any" the others come first.
func (l *logins) breaks(ip netip.Addr) int {
	if s := l.at[ip]; s != nil && s.end == loginBroken {
		return 1
	}
	return 0
}

// useAccount says with which credentials the check logs in.
func (r *round) useAccount() {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	if r.past.logins != nil {
		r.prober.accounts.use(accountOf(r.check), r.id, credentialsOf(r.check.Login), r.past.edited, r.started)
	}
	r.past.edited = false
}

// ableToLogIn are the addresses that DNS has and that were not failing, or all of
// them where there are none.
func (r *round) ableToLogIn(goals []goal) (able []netip.Addr) {
	for _, g := range goals {
		if _, failing := r.past.failing[g.ip]; g.inDNS && !failing {
			able = append(able, g.ip)
		}
	}
	if len(able) == 0 {
		for _, g := range goals {
			able = append(able, g.ip)
		}
	}
	return able
}

// leaveQueue gives up the check's place in the queue of its account. r.past.mu is
// held.
func (r *round) leaveQueue() {
	if l := r.past.logins; l != nil && l.waiting {
		l.waiting = false
		r.prober.accounts.forgo(accountOf(r.check), r.id)
	}
}

// rememberLogins keeps how the logins of this round ended.
func (r *round) rememberLogins(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	l := r.past.logins
	if l == nil {
		return
	}
	waits := r.paused.IsValid()
	for _, o := range outcomes {
		l.ended(o.address.IP, o.login, r.started)
		l.heard = max(l.heard, o.rejection)
		waits = waits || o.login == loginUntried || o.login == loginPaused || o.login == loginHeard
	}
	if slices.ContainsFunc(outcomes, func(o outcome) bool { return o.login.tried() }) {
		waits = false
	}
	r.lookElsewhere(outcomes)
	l.waiting = l.waiting || waits
	if !waits {
		r.leaveQueue()
	}
}

// lookElsewhere notes how the last logins ended at addresses where everything else
// is well and none was tried now. r.past.mu is held.
func (r *round) lookElsewhere(outcomes []outcome) {
	if r.check.Addresses == config.AnyAddress {
		return
	}
	for _, o := range outcomes {
		s := r.past.logins.at[o.address.IP]
		if s == nil || o.failure != nil || o.login.tried() || !o.goal.inDNS {
			continue
		}
		r.badElsewhere = r.badElsewhere || s.end.bad()
		r.brokenElsewhere = r.brokenElsewhere || s.end == loginBroken
	}
}

// brokeAt is 1 for an address at whose login the service failed the last time.
func (p *past) brokeAt(ip netip.Addr) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logins == nil {
		return 0
	}
	return p.logins.breaks(ip)
}

// hear takes a rejection of the account as the check's own, where its login has to
// wait because of it: one that is news to this check, or any once its failure has
// to be confirmed. It goes to an address at which everything else is well.
func (r *round) hear(outcomes []outcome) {
	r.past.mu.Lock()
	l := r.past.logins
	r.past.mu.Unlock()
	if l == nil {
		return
	}
	paused := r.paused.IsValid()
	for _, o := range outcomes {
		if o.login.tried() {
			return
		}
		paused = paused || o.login == loginPaused
	}
	last, ok := r.prober.accounts.standing(accountOf(r.check), credentialsOf(r.check.Login))
	if !paused || !ok || last.number <= l.heard && !l.final(r.started) {
		return
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.failure == nil && o.goal.inDNS {
			f := last.finding
			f.Hint += " The check " + quoted(string(last.check)) + " was told so at " + last.at.UTC().Format("15:04:05 UTC") +
				"; it uses the same account, and this check did not try as well, so that the monitor is not banned."
			o.found(f)
			o.login, o.rejection = loginHeard, last.number
			return
		}
	}
}

func (o *outcome) found(f incident.Finding) { o.findings = append(o.findings, f) }
