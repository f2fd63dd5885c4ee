package selfcheck

import (
	"net"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// resolver is the key, in Self.links, of the link by which names are looked up.
const resolver = "dns"

// A suspicion is that something in a probe was brought about by this machine.
type suspicion struct {
	link          *link    // that may be down; nil: the clock may be wrong
	peers         []string // those that the probe did not reach by the link
	conversations []int    // those in question, by index
	clockHint     string   // what may be wrong with the clock
	concluded     conclusion
}

// learnFromProbe notes who answered and who did not, and returns what this machine may
// have brought about, with what can be concluded without asking anybody.
func (s *Self) learnFromProbe(p verdict.Probe, now time.Time) (suspicions []suspicion) {
	s.learnName(p)
	for i := range p.Conversations {
		s.learnAddress(p, &p.Conversations[i])
	}
	if i, failed := lookupFailed(p); failed && resolverSuspect(p.Conversations[i].Failure.Cause) {
		if host := nameOf(p); host != "" {
			suspicions = append(suspicions, suspicion{link: s.links[resolver], peers: []string{host}, conversations: []int{i}})
		}
	}
	for _, network := range []string{"ip4", "ip6"} {
		suspected := suspicion{link: s.links[network]}
		for i := range p.Conversations {
			if c := &p.Conversations[i]; unreached(c) && familyOf(c.Address.IP) == network {
				suspected.peers = append(suspected.peers, c.Address.IP.String())
				suspected.conversations = append(suspected.conversations, i)
			}
		}
		if len(suspected.peers) > 0 {
			suspicions = append(suspicions, suspected)
		}
	}
	for i := range suspicions {
		switch suspected := &suspicions[i]; {
		case p.Started.Before(suspected.link.returned):
			suspected.concluded = linkWasDown
		case !suspected.link.knownToWork(suspected.peers, p.Started, now):
			suspected.concluded = notRuledOut // until somebody was asked
		}
	}
	return append(suspicions, s.clock.suspectDates(p)...)
}

// learnName notes whether the resolver answered for the name of a probe. It did where
// conversations were held, and also where it said that there is no such name.
func (s *Self) learnName(p verdict.Probe) {
	l, host := s.links[resolver], nameOf(p)
	i, failed := lookupFailed(p)
	switch {
	// A probe from before a jump proves nothing about now.
	case host == "" || p.Started.Before(s.clock.jumped):
	case failed && resolverSuspect(p.Conversations[i].Failure.Cause):
		l.noteSilent(peer{host, host, p.Ended})
	case failed:
		s.noteAnswered(l, peer{host, host, p.Ended})
	default:
		for i := range p.Conversations {
			if c := &p.Conversations[i]; talkedTo(c) && !c.Address.IP.IsLoopback() {
				s.noteAnswered(l, peer{host, host, p.Started.Add(c.Address.Timings[config.PhaseDNS])})
				return
			}
		}
	}
}

// talkedTo reports whether somebody was talked to: not where the name could not be
// looked up, or this machine has no route for the family.
func talkedTo(c *verdict.Conversation) bool { return c.Address.IP.IsValid() && !c.LeftOut }

// learnAddress notes whether an address answered. What this machine could not try, or
// does not believe, says nothing about it.
func (s *Self) learnAddress(p verdict.Probe, c *verdict.Conversation) {
	ip := c.Address.IP
	if !talkedTo(c) || ip.IsLoopback() || !c.Known() || p.Started.Before(s.clock.jumped) {
		return
	}
	l := s.links[familyOf(ip)]
	who := peer{
		key: ip.String(), target: netip.AddrPortFrom(ip, c.Address.Port).String(),
		at: p.Started.Add(c.Address.Timings[config.PhaseDNS] + c.Address.Timings[config.PhaseConnect]),
	}
	// Any other failure came after connecting, or was a refusal: both are answers.
	if unreached(c) {
		l.noteSilent(who)
		return
	}
	s.noteAnswered(l, who)
}

// noteAnswered notes that a peer answered, and so that the link is not down.
func (s *Self) noteAnswered(l *link, p peer) {
	l.noteAnswered(p)
	s.noteTroubleOver(l.name)
}

// unreached reports whether nothing came back from the address but, perhaps, the word of
// a router on the way that it cannot be reached.
func unreached(c *verdict.Conversation) bool {
	f := c.Failure
	return f != nil && c.Known() && f.Phase == config.PhaseConnect && !c.Address.IP.IsLoopback() &&
		(f.Cause == config.CauseTimeout || f.Cause == config.CauseUnreachable)
}

// resolverSuspect reports whether the resolver may be at fault, as opposed to having
// answered that there is no such name or no address.
func resolverSuspect(c config.Cause) bool {
	return c == config.CauseTimeout || c == config.CauseDNSFailure
}

// lookupFailed returns the index of the conversation that stands for a name that could
// not be looked up.
func lookupFailed(p verdict.Probe) (i int, failed bool) {
	for i := range p.Conversations {
		if c := &p.Conversations[i]; !c.Address.IP.IsValid() && c.Failure != nil && c.Known() {
			return i, true
		}
	}
	return 0, false
}

// nameOf returns the name that was looked up; "" for a literal address.
func nameOf(p verdict.Probe) string {
	host, _, err := net.SplitHostPort(p.Target)
	if _, literal := netip.ParseAddr(host); err != nil || literal == nil {
		return ""
	}
	return host
}
