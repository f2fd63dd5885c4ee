package selfcheck

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	askWithin = 3 * time.Second // an answer that takes longer is none
	askEvery  = 5 * time.Second // an answer holds so long, a silence too
	askMost   = 4               // peers, beside the self_check targets
)

// An answer is what asking came to.
type answer int

const (
	silent answer = iota
	answers
	absent // it could not be asked: a name without an address of the family
)

// An askFunc asks a target by one link.
type askFunc func(ctx context.Context, target string) answer

// A Resolver looks up the addresses of a name; [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// askByConnecting asks by connecting. A connection that is refused is an answer: a
// packet has gone there and another has come back.
func askByConnecting(network string, o Options) askFunc {
	return func(ctx context.Context, target string) answer {
		host, port, err := net.SplitHostPort(target)
		if err != nil {
			return absent
		}
		ips, err := lookUpFamily(ctx, o.Resolver, network, host)
		if o.Own != nil {
			ips = slices.DeleteFunc(ips, o.Own)
		}
		if err != nil || len(ips) == 0 {
			return absent
		}
		for _, ip := range ips {
			conn, err := o.Dial(ctx, "tcp", net.JoinHostPort(ip.String(), port))
			if err == nil {
				_ = conn.Close()
				return answers
			}
			// It was sent back from there, so the way is open.
			if errors.Is(err, syscall.ECONNREFUSED) {
				return answers
			}
		}
		return silent
	}
}

// lookUpFamily returns the addresses of a host in one family: network is "ip4" or "ip6".
func lookUpFamily(ctx context.Context, r Resolver, network, host string) ([]netip.Addr, error) {
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return r.LookupNetIP(ctx, network, host)
	case familyOf(ip) != network:
		return nil, nil
	}
	return []netip.Addr{ip.Unmap()}, nil
}

func familyOf(ip netip.Addr) string {
	if ip.Unmap().Is4() {
		return "ip4"
	}
	return "ip6"
}

// askByLookup asks by looking up a name, for the two families by themselves: some
// name servers never answer for one of them. That there is no such name is an
// answer.
func askByLookup(r Resolver) askFunc {
	return func(ctx context.Context, name string) answer {
		if _, err := netip.ParseAddr(name); err == nil || name == "" {
			return absent
		}
		// One question for both would wait for the family that is never answered.
		families := []string{"ip4", "ip6"}
		ctx, enough := context.WithCancel(ctx)
		var asking sync.WaitGroup
		defer asking.Wait()
		defer enough()
		// There is room for both, since nobody reads the second after a good first one.
		heard := make(chan bool, len(families))
		for _, network := range families {
			asking.Go(func() {
				_, err := r.LookupNetIP(ctx, network, name)
				var dns *net.DNSError
				heard <- err == nil || errors.As(err, &dns) && dns.IsNotFound
			})
		}
		for range families {
			if <-heard {
				return answers
			}
		}
		return silent
	}
}

// A survey is those who are asked together by one link, and what they said.
type survey struct {
	at      time.Time // when they were asked
	peers   []peer
	targets []string // of self_check
	said    []answer // of the peers, then of the targets
}

// askAll asks everybody at once and ends with the first answer, or in 3 seconds.
func (p *survey) askAll(ctx context.Context, ask askFunc) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	p.at = time.Now()
	p.said = make([]answer, len(p.peers)+len(p.targets))
	var asking sync.WaitGroup
	for i, target := range p.everybody() {
		asking.Go(func() {
			p.said[i] = ask(ctx, target)
			switch {
			case p.said[i] == answers:
				cancel() // one answer is enough
			case errors.Is(ctx.Err(), context.Canceled):
				p.said[i] = absent // interrupted: it had no time to answer
			}
		})
	}
	asking.Wait()
}

func (p *survey) everybody() []string {
	list := make([]string, 0, len(p.peers)+len(p.targets))
	for _, peer := range p.peers {
		list = append(list, peer.target)
	}
	return append(list, p.targets...)
}

// stillHolds reports whether the answers are new enough to be used again.
func (p *survey) stillHolds(now time.Time) bool {
	return !p.at.IsZero() && now.Sub(p.at) < askEvery+askWithin
}

// conclude returns the conclusion for a probe that did not reach its own peers: their silence
// proves nothing.
func (p *survey) conclude(own []string) conclusion {
	concluded := notRuledOut
	for i, said := range p.said {
		switch {
		case i < len(p.peers) && slices.Contains(own, p.peers[i].key), said == absent:
		case said == answers:
			return ruledOut
		default:
			concluded = linkDown
		}
	}
	return concluded
}
