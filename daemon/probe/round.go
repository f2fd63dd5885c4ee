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
)

// A round is one probe of one check.
type round struct {
	prober   *Prober
	id       config.CheckID
	check    config.Probe
	past     *past
	started  time.Time
	deadline time.Time
	span     clock.Span // since started
	dns      time.Duration

	silentFamily string // the family, "IPv4" or "IPv6", whose record DNS did not answer for; "": none

	redact *redactor

	paused netip.Addr // where a login was due and has to wait after rejections
	// What the last logins at other addresses came to, which were not tried now.
	badElsewhere, brokenElsewhere bool

	notes []incident.Note
}

func (r *round) run(ctx context.Context) incident.Result {
	found, failed := r.resolve(ctx)
	if failed = r.unlessLate(failed, r.span.Late()); failed != nil {
		r.past.mu.Lock()
		r.leaveQueue()
		r.past.mu.Unlock()
		return r.result(nil, observedBy(failed), failed.finding())
	}
	outcomes := r.converseAll(ctx, r.goals(found))
	if ctx.Err() == nil {
		r.hear(outcomes)
		r.rememberAddresses(outcomes)
		r.rememberLogins(outcomes)
		r.rememberCertificates(outcomes)
		r.rememberAlerts(outcomes)
	}
	observed, findings := r.judge(outcomes)
	r.remarkUnanswered(outcomes, findings)
	return r.result(outcomes, observed, findings...)
}

// converse is one conversation, whatever becomes of it.
func (r *round) converse(ctx context.Context, g goal) (o outcome) {
	c := &conversation{round: r, ctx: ctx, goal: g}
	c.outcome.goal = g
	c.outcome.address = incident.Address{Node: r.prober.node, IP: g.ip, Port: r.check.Port}
	c.outcome.address.Timings.DNS = r.dns
	defer func() {
		if mistake := recover(); mistake != nil {
			c.outcome.failure = local(c.phase, fmt.Sprintf("The probe itself failed: %v.", mistake))
		}
		c.close()
		c.outcome.address.Timings.Total = time.Since(r.started) - c.waited
		late := r.span.Late()
		if f := r.unlessLate(c.outcome.failure, late); f != c.outcome.failure {
			c.outcome.failure, c.outcome.login = f, noLogin
		}
		c.compareThresholds(late)
		o = c.outcome
	}()
	if err := r.prober.hold(c); err != nil {
		c.outcome.failure = c.withProxyRemark(c.certificateBehind(asFailure(c.phase, err)))
	}
	c.rememberCertless()
	return c.outcome
}

func asFailure(phase incident.Phase, err error) *failure {
	if f, ok := err.(*failure); ok { //nolint:errorlint // a failure is never wrapped
		return f
	}
	return local(phase, "The probe itself failed: "+clean(err.Error())+".")
}

func (r *round) note(cause incident.Cause, text string, ip netip.Addr) {
	n := incident.Note{Cause: cause, Text: text}
	if ip.IsValid() {
		n.Address = ip.String()
	}
	r.notes = append(r.notes, n)
}

func (r *round) result(outcomes []outcome, observed incident.Conditions, findings ...incident.Finding) incident.Result {
	result := incident.Result{
		Check: r.id, Started: r.started, Observed: observed, Findings: findings, Notes: r.notes,
		Target: net.JoinHostPort(r.check.Hostname, strconv.Itoa(int(r.check.Port))),
	}
	for i := range outcomes {
		if outcomes[i].leftOut {
			continue
		}
		result.Addresses = append(result.Addresses, outcomes[i].said())
		result.Notes = append(result.Notes, outcomes[i].notes...)
	}
	result.Ended = time.Now()
	return result
}
