package probe

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A goal is an address to talk to.
type goal struct {
	ip    netip.Addr
	inDNS bool // else it failed before and DNS no longer has it
	login bool // the login runs here
}

// addressesToProbe returns the addresses of this round: what DNS says, and addresses that were
// failing when they vanished from it, until they are well or have been gone for
// long enough. It notes those that are given up.
func (r *round) addressesToProbe(found []netip.Addr) []goal {
	var goals []goal
	for _, ip := range found {
		goals = append(goals, goal{ip: ip, inDNS: true})
	}
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	for ip, seen := range r.past.failing {
		switch {
		case slices.Contains(found, ip):
			r.past.failing[ip] = r.started
		case family(ip) == r.silentFamily: // perhaps DNS still has it
			r.past.failing[ip] = r.started
			if r.check.Addresses != config.AnyAddress {
				goals = append(goals, goal{ip: ip, inDNS: true})
			}
		case r.started.Sub(seen) >= withdrawnAfter:
			delete(r.past.failing, ip)
			r.note(config.CauseWithdrawn, "The address "+ip.String()+" was failing and has been gone from DNS for 10 minutes; it is probed no longer.", ip)
		case r.check.Addresses != config.AnyAddress:
			goals = append(goals, goal{ip: ip})
		}
	}
	// The map of failing addresses has no order; results and logins need the same one each time.
	slices.SortFunc(goals, func(a, b goal) int { return a.ip.Compare(b.ip) })
	r.chooseLogins(goals)
	return goals
}

// rememberAddresses notes which addresses fail, for the next probes.
func (r *round) rememberAddresses(outcomes []outcome) {
	r.past.mu.Lock()
	defer r.past.mu.Unlock()
	for _, o := range outcomes {
		ip := o.address.IP
		switch {
		case o.failure == nil, o.failure.phase == config.PhaseLogin, o.failure.phase == config.PhaseSelect:
			delete(r.past.failing, ip) // what fails at the login is remembered with the logins
		// Only while DNS has it: an address that is gone would renew its own entry for ever.
		case o.failure.health == incident.Down && o.unknown == nil && o.goal.inDNS:
			if r.past.failing == nil {
				r.past.failing = map[netip.Addr]time.Time{}
			}
			r.past.failing[ip] = r.started
		}
	}
}

// converseAll talks to all addresses side by side and waits for every one; the
// fence makes sure that each ends. A single address, which is what most names
// have, is talked to right here: a goroutine for it would only cost.
func (r *round) converseAll(ctx context.Context, goals []goal) []outcome {
	if r.check.Addresses == config.AnyAddress && len(goals) > 1 {
		return r.converseAny(ctx, goals)
	}
	outcomes := make([]outcome, len(goals))
	var talking sync.WaitGroup
	for i := range goals[1:] {
		talking.Go(func() { outcomes[i+1] = r.converse(ctx, goals[i+1]) })
	}
	outcomes[0] = r.converse(ctx, goals[0])
	talking.Wait()
	return outcomes
}

// headStart is how long each address of the policy "any" has for itself before
// the next one is tried beside it.
const headStart = time.Second

// converseAny tries one address after the other, the next when the one before
// has failed or is slow, until one works; the others are broken off then and
// nothing is said of them.
func (r *round) converseAny(ctx context.Context, goals []goal) []outcome {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	var talking sync.WaitGroup
	defer talking.Wait()
	// There is room for all, since nobody reads the results of those that are broken off.
	results := make(chan outcome, len(goals))
	begin := func(g goal) {
		talking.Go(func() { results <- r.converse(ctx, g) })
	}
	var ended []outcome
	next := time.NewTimer(0)
	defer next.Stop()
	for begun := 0; len(ended) < len(goals); {
		select {
		case o := <-results:
			ended = append(ended, o)
			if o.failure == nil && o.login != verdict.LoginUntried {
				// Called here as well, because the deferred Wait runs before the deferred
				// cancellation.
				enough()
				return ended
			}
			next.Reset(0)
		case <-next.C:
			if begun < len(goals) {
				begin(goals[begun])
				begun++
				next.Reset(headStart)
			}
		}
	}
	return ended
}
