package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// converseAll talks to all addresses side by side and waits for every one; the
// fence makes sure that each ends. A single address, which is what most names
// have, is talked to right here: a goroutine for it would only cost.
func (r *round) converseAll(ctx context.Context, addresses []netip.Addr) []outcome {
	outcomes := make([]outcome, len(addresses))
	var talking sync.WaitGroup
	for i, ip := range addresses[1:] {
		talking.Go(func() { outcomes[i+1] = r.converse(ctx, ip) })
	}
	outcomes[0] = r.converse(ctx, addresses[0])
	talking.Wait()
	return outcomes
}

func (r *round) blank(ip netip.Addr) outcome {
	return outcome{address: incident.Address{Node: r.prober.node, IP: ip, Port: r.check.Port}}
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
