package selfcheck

import (
	"net"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// resolver is the key of the link that names are looked up by.
const resolver = "dns"

// A doubt is something in a result that this machine may have brought about.
type doubt struct {
	link    *link // nil: the clock
	mine    []string
	verdict verdict
	// concerns picks the conversations; nil: there was none, the name was not
	// found.
	concerns func(incident.Address) bool
	hint     string // of the clock's doubt
}

// learn takes in what a result says about this machine, and gives what is in
// doubt, judged as far as is known without asking.
func (s *Self) learn(r incident.Result, now time.Time) (doubts []doubt) {
	s.learnName(r)
	for i := range r.Addresses {
		s.learnAddress(r, &r.Addresses[i])
	}
	if f, failed := lookupFailed(r); failed && inDoubt(f.Cause) {
		if host := hostOf(r); host != "" {
			doubts = append(doubts, doubt{link: s.links[resolver], mine: []string{host}})
		}
	}
	for _, network := range []string{"ip4", "ip6"} {
		concerns := func(a incident.Address) bool { return unreached(a) && family(a.IP) == network }
		if mine := keys(r, concerns); len(mine) > 0 {
			doubts = append(doubts, doubt{link: s.links[network], mine: mine, concerns: concerns})
		}
	}
	for i, d := range doubts {
		switch {
		case r.Started.Before(d.link.returned):
			doubts[i].verdict = back
		case !d.link.certain(d.mine, r.Started, now):
			doubts[i].verdict = alone // until somebody was asked
		}
	}
	return append(doubts, s.clock.judge(r)...)
}

// learnName: conversations were held, so the name was looked up; that there is
// no such name is an answer, too.
func (s *Self) learnName(r incident.Result) {
	l, host := s.links[resolver], hostOf(r)
	f, failed := lookupFailed(r)
	switch {
	case host == "" || r.Started.Before(s.clock.jumped):
	case failed && inDoubt(f.Cause):
		l.failed(peer{host, host, r.Ended})
	case failed:
		s.answered(l, peer{host, host, r.Ended})
	case len(r.Addresses) > 0 && !onlyLoopback(r):
		s.answered(l, peer{host, host, r.Started.Add(r.Addresses[0].Timings[config.PhaseDNS])})
	}
}

func (s *Self) learnAddress(r incident.Result, a *incident.Address) {
	if !a.IP.IsValid() || a.IP.IsLoopback() || a.Health == incident.Unknown || r.Started.Before(s.clock.jumped) {
		return
	}
	l := s.links[family(a.IP)]
	p := peer{
		key: a.IP.String(), target: netip.AddrPortFrom(a.IP, a.Port).String(),
		at: r.Started.Add(a.Timings[config.PhaseDNS] + a.Timings[config.PhaseConnect]),
	}
	if unreached(*a) {
		l.failed(p)
		return
	}
	s.answered(l, p)
}

func (s *Self) answered(l *link, p peer) {
	l.answered(p)
	s.works(l.name)
}

// unreached: nothing came back from the address, or from somebody on the way
// that it cannot be reached.
func unreached(a incident.Address) bool {
	return a.Health == incident.Down && a.Phase == config.PhaseConnect && !a.IP.IsLoopback() &&
		(a.Cause == config.CauseTimeout || a.Cause == config.CauseUnreachable)
}

// inDoubt: the resolver may be at fault, as opposed to having answered.
func inDoubt(c config.Cause) bool {
	return c == config.CauseTimeout || c == config.CauseDNSFailure
}

// lookupFailed finds the finding of a name that could not be looked up.
func lookupFailed(r incident.Result) (f incident.Finding, failed bool) {
	for _, f := range r.Findings {
		if f.Phase == config.PhaseDNS && f.Health == incident.Down && len(r.Addresses) == 0 {
			return f, true
		}
	}
	return f, false
}

// hostOf is the name that was looked up; empty for a literal address.
func hostOf(r incident.Result) string {
	host, _, err := net.SplitHostPort(r.Target)
	if _, literal := netip.ParseAddr(host); err != nil || literal == nil {
		return ""
	}
	return host
}

func onlyLoopback(r incident.Result) bool {
	for _, a := range r.Addresses {
		if !a.IP.IsLoopback() {
			return false
		}
	}
	return true
}

func keys(r incident.Result, concerns func(incident.Address) bool) (list []string) {
	for _, a := range r.Addresses {
		if concerns(a) {
			list = append(list, a.IP.String())
		}
	}
	return list
}
