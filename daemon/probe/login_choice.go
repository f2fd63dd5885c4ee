package probe

import (
	"net/netip"
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

// claim returns the claim of the check to log in at an address. r.past.mu is held.
func (r *round) claim(ip netip.Addr) claim {
	l := r.past.logins
	return claim{
		key: accountOf(r.check), place: place{r.id, ip}, timeout: r.check.Timeout,
		final: l.mustConfirm(r.started), retry: l.retry,
	}
}

// chooseLogins has the login run at one of the addresses that were not failing, or, with the policy
// "any", wherever it is needed. r.past.mu is held.
func (r *round) chooseLogins(goals []goal) {
	l := r.past.logins
	if l == nil || r.check.Security == config.Plain {
		return
	}
	able := r.ableToLogIn(goals)
	l.forgetGone(able, r.started)
	if r.trial != nil {
		l.retry = l.retry || r.trial.Retry
	} else if !l.isDue(r.check, r.started) {
		r.leaveQueue()
		return
	}
	l.sortByNeed(able)
	several, chosen := r.check.Addresses == config.AnyAddress, false
	if several {
		slices.SortStableFunc(goals, func(a, b goal) int { return l.brokeAt(a.ip) - l.brokeAt(b.ip) })
	}
	for _, ip := range able {
		c := r.claim(ip)
		if l.waitsToConfirm(ip, r.started) {
			break // nor is another address tried: its rejection would count against the account, too
		}
		if r.prober.accounts.mustWait(c, r.started) {
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
		r.prober.accounts.queueUp(r.claim(r.paused))
		l.waiting = true
	}
}

// useAccount tells the account with which credentials the check logs in: changed ones may
// end the wait of its logins.
func (r *round) useAccount() {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	if r.past.logins != nil {
		r.prober.accounts.noteCredentials(accountOf(r.check), r.id, hashCredentials(r.check.Login), r.past.edited, r.started)
	}
	r.past.edited = false
}

// ableToLogIn returns the addresses that DNS has and that were not failing, or all of them where
// there are none.
func (r *round) ableToLogIn(goals []goal) (able []netip.Addr) {
	for _, g := range goals {
		if _, failing := r.past.failing[g.ip]; g.inDNS && !failing {
			able = append(able, g.ip)
		}
	}
	// Where all were failing, one of them may be well again by now.
	if len(able) == 0 {
		for _, g := range goals {
			able = append(able, g.ip)
		}
	}
	return able
}

// leaveQueue removes the check from the queue of its account. r.past.mu is held.
func (r *round) leaveQueue() {
	if l := r.past.logins; l != nil && l.waiting {
		l.waiting = false
		r.prober.accounts.leaveQueue(accountOf(r.check), r.id)
	}
}
