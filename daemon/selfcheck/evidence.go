package selfcheck

import (
	"net"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// resolver is the key of the link that names are looked up by.
const resolver = "dns"

// A doubt is something in a probe that this machine may have brought about.
type doubt struct {
	link     *link // nil: the clock
	mine     []string
	verdict  ruling
	concerns []int  // the conversations, by index
	hint     string // of the clock's doubt
}

// learn takes in what a probe says about this machine, and gives what is in doubt,
// judged as far as is known without asking.
func (s *Self) learn(p verdict.Probe, now time.Time) (doubts []doubt) {
	s.learnName(p)
	for i := range p.Conversations {
		s.learnAddress(p, &p.Conversations[i])
	}
	if i, failed := lookupFailed(p); failed && inDoubt(p.Conversations[i].Failure.Cause) {
		if host := hostOf(p); host != "" {
			doubts = append(doubts, doubt{link: s.links[resolver], mine: []string{host}, concerns: []int{i}})
		}
	}
	for _, network := range []string{"ip4", "ip6"} {
		d := doubt{link: s.links[network]}
		for i := range p.Conversations {
			if c := &p.Conversations[i]; unreached(c) && family(c.Address.IP) == network {
				d.mine, d.concerns = append(d.mine, c.Address.IP.String()), append(d.concerns, i)
			}
		}
		if len(d.mine) > 0 {
			doubts = append(doubts, d)
		}
	}
	for i, d := range doubts {
		switch {
		case p.Started.Before(d.link.returned):
			doubts[i].verdict = back
		case !d.link.certain(d.mine, p.Started, now):
			doubts[i].verdict = alone // until somebody was asked
		}
	}
	return append(doubts, s.clock.judge(p)...)
}

// learnName: conversations were held, so the name was looked up; that there is
// no such name is an answer, too.
func (s *Self) learnName(p verdict.Probe) {
	l, host := s.links[resolver], hostOf(p)
	i, failed := lookupFailed(p)
	switch {
	case host == "" || p.Started.Before(s.clock.jumped):
	case failed && inDoubt(p.Conversations[i].Failure.Cause):
		l.failed(peer{host, host, p.Ended})
	case failed:
		s.answered(l, peer{host, host, p.Ended})
	default:
		for i := range p.Conversations {
			if c := &p.Conversations[i]; talkedTo(c) && !c.Address.IP.IsLoopback() {
				s.answered(l, peer{host, host, p.Started.Add(c.Address.Timings[config.PhaseDNS])})
				return
			}
		}
	}
}

// talkedTo reports whether the conversation is one with an address.
func talkedTo(c *verdict.Conversation) bool { return c.Address.IP.IsValid() && !c.LeftOut }

func (s *Self) learnAddress(p verdict.Probe, c *verdict.Conversation) {
	ip := c.Address.IP
	if !talkedTo(c) || ip.IsLoopback() || !c.Known() || p.Started.Before(s.clock.jumped) {
		return
	}
	l := s.links[family(ip)]
	who := peer{
		key: ip.String(), target: netip.AddrPortFrom(ip, c.Address.Port).String(),
		at: p.Started.Add(c.Address.Timings[config.PhaseDNS] + c.Address.Timings[config.PhaseConnect]),
	}
	if unreached(c) {
		l.failed(who)
		return
	}
	s.answered(l, who)
}

func (s *Self) answered(l *link, p peer) {
	l.answered(p)
	s.works(l.name)
}

// unreached: nothing came back from the address, or from somebody on the way
// that it cannot be reached.
func unreached(c *verdict.Conversation) bool {
	f := c.Failure
	return f != nil && c.Known() && f.Phase == config.PhaseConnect && !c.Address.IP.IsLoopback() &&
		(f.Cause == config.CauseTimeout || f.Cause == config.CauseUnreachable)
}

// inDoubt: the resolver may be at fault, as opposed to having answered.
func inDoubt(c config.Cause) bool {
	return c == config.CauseTimeout || c == config.CauseDNSFailure
}

// lookupFailed finds what stands for a name that could not be looked up.
func lookupFailed(p verdict.Probe) (i int, failed bool) {
	for i := range p.Conversations {
		if c := &p.Conversations[i]; !c.Address.IP.IsValid() && c.Failure != nil && c.Known() {
			return i, true
		}
	}
	return 0, false
}

// hostOf is the name that was looked up; empty for a literal address.
func hostOf(p verdict.Probe) string {
	host, _, err := net.SplitHostPort(p.Target)
	if _, literal := netip.ParseAddr(host); err != nil || literal == nil {
		return ""
	}
	return host
}
