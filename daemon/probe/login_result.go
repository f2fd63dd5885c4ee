package probe

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// noWait is the longest wait for a turn that takes nothing from the time of a login.
const noWait = 100 * time.Millisecond

// logInInTurn tries a login when it is the check's turn at its account, and notes how it
// ended. What is wrong with the account, or unknown, is a finding and ends nothing: the
// connection is ended politely either way. A failure of the service is given back.
func (c *conversation) logInInTurn(try func(claim) error) error {
	c.past.mu.Lock()
	claim := c.claim(c.goal.ip)
	c.past.mu.Unlock()
	began := time.Now()
	// Half of the time that is left stays for the login.
	turn := c.prober.accounts.awaitTurn(c.ctx, claim, min(patience, time.Until(c.deadline)/2))
	waited := time.Since(began)
	c.waited += waited
	switch turn {
	case turnPaused:
		c.outcome.login = verdict.LoginPaused
		return nil
	case turnMissed:
		c.outcome.login = verdict.LoginUntried
		return nil
	case turnTaken:
	}
	c.leave = func() { c.prober.accounts.endTurn(claim, c.outcome.login) }
	err := try(claim)
	if err == nil {
		c.outcome.login = verdict.LoginGood
		return nil
	}
	return c.noteLoginFailure(claim, asFailure(c.phase, err), waited)
}

// noteLoginFailure notes how a login failed, and returns what ends the conversation: nil,
// where it is to be ended politely.
func (c *conversation) noteLoginFailure(claim claim, f *failure, waited time.Duration) error {
	if f.cause == config.CauseLoginRefused && !f.banned {
		f.hint += c.workedBeforeHint()
	}
	if f.backoff > 0 {
		c.prober.accounts.postpone(claim, f.backoff)
	}
	switch {
	case f.health == incident.Unknown: // no token was to be had, or it was this machine's fault
		if f.condition != config.ConditionAccount {
			return f
		}
	case f.condition == config.ConditionAccount &&
		f.phase != config.PhaseSelect && f.cause != config.CauseCapabilityMissing:
		// Not where the mailbox is refused, or nothing was sent: servers ban nobody for that.
		c.outcome.login = verdict.LoginRejected
		c.outcome.rejection = c.prober.accounts.noteRejected(claim, rejection{
			at: time.Now(), check: c.id, credentials: hashCredentials(c.check.Login), finding: f.asFinding(),
		})
	case f.condition == config.ConditionAccount:
		c.outcome.login = verdict.LoginFailed
	case f.cause == config.CauseTimeout && waited > noWait:
		c.outcome.login = verdict.LoginUntried // it did not have the time that the check gives a login
		return nil
	default:
		c.outcome.login = verdict.LoginBroken
		if f.cause == config.CauseTimeout && c.phase == config.PhaseLogin {
			c.prober.accounts.noteUnanswered(claim)
		} else {
			c.prober.accounts.noteAnswered(claim)
		}
		return f
	}
	c.addFinding(f.asFinding())
	return nil
}

// workedBeforeHint returns, for a login that is refused without a reason, since when that is so,
// where the same check could log in at the same address before; else "".
func (c *conversation) workedBeforeHint() string {
	c.past.mu.Lock()
	defer c.past.mu.Unlock()
	s := c.past.logins.at[c.goal.ip]
	// With other settings than then, the change itself may be the reason.
	if s == nil || s.worked.IsZero() || s.with != maphash.Comparable(hashing, c.check) {
		return ""
	}
	since := s.refused
	if since.IsZero() {
		since = c.started
	}
	return " It was accepted until " + moment(s.worked) + " and has been refused since " + moment(since) +
		", and nothing changed here: check the user directory behind the server before the credentials."
}

// rememberLogins notes how the logins of this round ended, for the next probes.
func (r *round) rememberLogins(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	l := r.past.logins
	if l == nil {
		return
	}
	check := maphash.Comparable(hashing, r.check)
	waits := r.paused.IsValid()
	for _, o := range outcomes {
		l.noteEnd(o.address.IP, o.login, check, r.started)
		l.heard = max(l.heard, o.rejection)
		waits = waits || o.login == verdict.LoginUntried || o.login == verdict.LoginPaused || o.login == verdict.LoginHeard
	}
	// One login a probe is enough: the check need not stay in the queue for another.
	if slices.ContainsFunc(outcomes, func(o outcome) bool { return o.login.Tried() }) {
		waits = false
	}
	r.recallOtherLogins(outcomes)
	l.waiting = l.waiting || waits
	if !waits {
		r.leaveQueue()
	}
}

// recallOtherLogins notes how the last logins ended at addresses where everything else
// is well and none was tried now. r.past.mu is held.
func (r *round) recallOtherLogins(outcomes []outcome) {
	if r.check.Addresses == config.AnyAddress {
		tried := slices.ContainsFunc(outcomes, func(o outcome) bool { return o.login.Tried() })
		for _, s := range r.past.logins.at {
			// Not where one was tried: one login that works is enough.
			r.logins.BrokenElsewhere = r.logins.BrokenElsewhere || !tried && s.end == verdict.LoginBroken
		}
		return
	}
	for _, o := range outcomes {
		s := r.past.logins.at[o.address.IP]
		if s == nil || o.failure != nil || o.login.Tried() || !o.goal.inDNS {
			continue
		}
		r.logins.BadElsewhere = r.logins.BadElsewhere || s.end.Bad()
		r.logins.BrokenElsewhere = r.logins.BrokenElsewhere || s.end == verdict.LoginBroken
	}
}

// loginsNotTried returns what is known of the logins that this probe did not try.
func (r *round) loginsNotTried() verdict.Logins {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	r.logins.Paused = r.paused.IsValid()
	r.logins.NeverTried = r.past.logins != nil && r.past.logins.count == 0
	return r.logins
}

// adoptRejection takes a rejection of the account as the check's own, where the check's login has
// to wait because of it: one that is news to this check, or any once the check's failure has to be
// confirmed. The finding goes to an address at which everything else is well.
func (r *round) adoptRejection(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	l := r.past.logins
	if l == nil {
		return
	}
	paused := r.paused.IsValid()
	for _, o := range outcomes {
		if o.login.Tried() {
			return
		}
		paused = paused || o.login == verdict.LoginPaused
	}
	last, ok := r.prober.accounts.sharedRejection(r.claim(r.paused), hashCredentials(r.check.Login))
	if !paused || !ok || last.number <= l.heard && !l.mustConfirm(r.started) {
		return
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.failure == nil && o.goal.inDNS {
			f := last.finding
			f.Hint += " " + last.sharedHint(r.id)
			o.addFinding(f)
			o.login, o.rejection = verdict.LoginHeard, last.number
			return
		}
	}
}

// sharedHint returns which check the server rejected, and why another one did not ask itself, for
// people.
func (r rejection) sharedHint(id config.CheckID) string {
	at := r.at.UTC().Format("15:04:05 UTC")
	if r.check == id {
		return "The server said this at " + at + "; the next login waits, so that imapvigil is not banned."
	}
	return "The server said this to the check " + quoted(string(r.check)) + " at " + at +
		", which uses the same account. This check did not log in, so that imapvigil is not banned."
}
