package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// converseAll talks to all addresses side by side and waits for every one. A
// conversation that outlives its deadline (which nothing known can make it do)
// is left behind rather than waited for.
func (r *round) converseAll(ctx context.Context, addresses []netip.Addr) []outcome {
	type ended struct {
		at int
		outcome
	}
	results := make(chan ended, len(addresses))
	for i, ip := range addresses {
		go func() { results <- ended{i, r.converse(ctx, ip)} }()
	}
	outcomes := make([]outcome, len(addresses))
	for i, ip := range addresses {
		outcomes[i] = r.stuck(ip)
	}
	lost := time.NewTimer(time.Until(r.deadline) + grace)
	defer lost.Stop()
	for range addresses {
		select {
		case e := <-results:
			outcomes[e.at] = e.outcome
		case <-lost.C:
			return outcomes
		}
	}
	return outcomes
}

func (r *round) blank(ip netip.Addr) outcome {
	return outcome{address: incident.Address{Node: r.prober.node, IP: ip, Port: r.check.Port}}
}

// stuck is what is said of an address whose conversation never ended.
func (r *round) stuck(ip netip.Addr) outcome {
	o := r.blank(ip)
	o.failure = local(incident.PhaseConnect, "The probe itself did not end in time; this is a mistake in imapvigil or a machine that is badly overloaded.")
	return o
}

// converse is one conversation, whatever becomes of it.
func (r *round) converse(ctx context.Context, ip netip.Addr) (o outcome) {
	c := &conversation{round: r, ctx: ctx, ip: ip, outcome: r.blank(ip)}
	c.outcome.address.Timings.DNS = r.dns
	defer func() {
		if mistake := recover(); mistake != nil {
			c.outcome.failure = local(c.phase, fmt.Sprintf("The probe itself failed: %v.", mistake))
		}
		c.close()
		c.outcome.address.Timings.Total = r.dns + time.Since(r.started.Add(r.dns))
		o = c.outcome
	}()
	if err := c.run(); err != nil {
		c.outcome.failure = asFailure(c.phase, err)
	}
	return c.outcome
}

func asFailure(phase incident.Phase, err error) *failure {
	if f, ok := err.(*failure); ok { //nolint:errorlint // a failure is never wrapped
		return f
	}
	return local(phase, "The probe itself failed: "+clean(err.Error())+".")
}

// target is host:port as configured.
func (r *round) hostPort() string {
	return net.JoinHostPort(r.check.Hostname, fmt.Sprint(r.check.Port))
}
