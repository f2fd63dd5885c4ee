package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// A round is one probe of one check.
type round struct {
	prober   *Prober
	id       config.CheckID
	check    config.Probe
	trial    *Trial // nil: the probe counts
	past     *past
	started  time.Time
	deadline time.Time
	span     clock.Span // since started
	dns      time.Duration

	silentFamily string // the family, "IPv4" or "IPv6", whose record DNS did not answer for; "": none

	redact *redactor

	paused netip.Addr     // where a login was due and has to wait after rejections
	logins verdict.Logins // what the last logins came to that were not tried now

	notes []incident.Note
}

// probeAddresses looks the name up, talks to every address that the check wants, and
// remembers what the next probes have to know.
func (r *round) probeAddresses(ctx context.Context) verdict.Probe {
	found, failed := r.resolve(ctx)
	if r.trial != nil {
		r.tellLookup(failed != nil)
	}
	if failed != nil {
		r.past.mu.Lock()
		r.leaveQueue()
		r.past.mu.Unlock()
		return r.sumUp(outcome{
			address: incident.Address{Node: r.prober.node}, failure: failed, unknown: r.blameLateness(failed, r.span.Late()),
		})
	}
	outcomes := r.converseAll(ctx, r.addressesToProbe(found))
	if ctx.Err() == nil { // else it was broken off, and how it ended says nothing
		r.adoptRejection(outcomes)
		r.rememberAddresses(outcomes)
		r.rememberLogins(outcomes)
		r.rememberCertificates(outcomes)
		r.rememberAlerts(outcomes)
	}
	return r.sumUp(outcomes...)
}

// converse holds one conversation, and returns what it came to even where it panics: a
// mistake of ours, or of go-imap, must end no other check.
func (r *round) converse(ctx context.Context, g goal) (o outcome) {
	c := &conversation{round: r, ctx: ctx, goal: g}
	c.outcome.goal = g
	c.outcome.address = incident.Address{Node: r.prober.node, IP: g.ip, Port: r.check.Port}
	c.outcome.address.Timings[config.PhaseDNS] = r.dns
	defer func() {
		if mistake := recover(); mistake != nil {
			c.outcome.failure = localFailure(c.phase, fmt.Sprintf("The probe itself failed: %v.", mistake))
		}
		c.close()
		// The lookup is a part of it. Waiting for another login of the account is not, nor
		// for a LOGOUT without an answer: no server is slow because of that.
		c.outcome.address.Timings[config.WholeConversation] = time.Since(r.started) - c.waited
		c.outcome.late = r.span.Late()
		if c.outcome.unknown = r.blameLateness(c.outcome.failure, c.outcome.late); c.outcome.unknown != nil {
			// What is not believed must not be remembered as a login that failed.
			c.outcome.login = verdict.NoLogin
		}
		o = c.outcome
	}()
	if err := r.prober.hold(c); err != nil {
		c.outcome.failure = c.withProxyRemark(c.certificateBehind(asFailure(c.phase, err)))
	}
	c.rememberCertless()
	return c.outcome
}

// asFailure returns an error of a conversation as the failure that it is. Any other is a
// mistake in this program, for which no server is blamed.
func asFailure(phase config.Phase, err error) *failure {
	if f, ok := err.(*failure); ok { //nolint:errorlint // a failure is never wrapped
		return f
	}
	return localFailure(phase, "The probe itself failed: "+clean(err.Error())+".")
}

// note adds a remark about an address, or about the whole check, to the result.
func (r *round) note(cause config.Cause, text string, ip netip.Addr) {
	n := incident.Note{Cause: cause, Text: text}
	if ip.IsValid() {
		n.Address = ip.String()
	}
	r.notes = append(r.notes, n)
}

// sumUp returns what the probe came to, for daemon/verdict to judge.
func (r *round) sumUp(outcomes ...outcome) verdict.Probe {
	p := verdict.Probe{
		Check: r.id, Started: r.started, Target: net.JoinHostPort(r.check.Hostname, strconv.Itoa(int(r.check.Port))),
		Conversations: make([]verdict.Conversation, len(outcomes)), Logins: r.loginsNotTried(),
		SilentRecord: r.silentRecord(outcomes), Notes: r.notes,
	}
	for i := range outcomes {
		r.describe(&p.Conversations[i], &outcomes[i])
	}
	p.Ended = time.Now()
	return p
}

// describe fills in, for one conversation, what counts for the verdict.
func (r *round) describe(c *verdict.Conversation, o *outcome) {
	*c = verdict.Conversation{
		Address: o.address, InDNS: o.goal.inDNS, LeftOut: o.leftOut, Findings: o.findings, Notes: o.notes,
		Login: o.login, Verified: o.verified, Capable: o.capable, Late: o.late, Unknown: o.unknown,
	}
	if o.failure != nil {
		f := o.failure.asFinding()
		c.Failure = &f
	}
	if o.login == verdict.LoginUntried {
		c.BrokenBefore = r.past.brokeAt(o.address.IP) > 0
	}
}
