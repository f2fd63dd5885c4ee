// Package selfcheck asks whether this machine is itself at fault before a
// server is blamed. It stands between the probes and daemon/verdict: [Self.Mark]
// takes a probe, and returns it as it is, or with a mark on each conversation that
// this machine's own network, resolver or clock may have spoiled. It also
// tells, from [Self.Run], what is wrong with this machine and lasts; that becomes one
// incident of the condition monitor, of which the daemon's roles hear.
//
// It judges no server, decides nothing about incidents and tells nobody. It marks
// conversations that failed, and after a suspend or a clock jump all of a probe that
// found something wrong; what is left is judged as if those had not been held. A
// caller may rely on this: Mark returns within
// seconds (each asking is bounded by 3 s, and all who need the same one share
// it), and ends with its context.
//
// # What is in doubt
//
// Three links are shared by many checks: this machine's IPv4, its IPv6, and its
// resolver. A connection that ran into a timeout or was called unreachable puts
// the link of its family in doubt; a lookup that ran into a timeout or was
// answered with an error puts the resolver in doubt. Nothing else does: a refused
// connection, a name that does not exist, or any failure after connecting is an
// answer that came from out there. What happens on loopback says nothing about
// the network, and needs none.
//
// A process that is late puts everything in doubt that a probe found meanwhile by
// waiting in vain. Of a probe that ran while the process stood still nothing bad is
// believed; where it was only late, daemon/probe has judged that itself, since it
// knows how much time a server was given. What lasts is told: see lag.
//
// A certificate's dates put the clock in doubt, when it was set since the start,
// or when the journal has seen a later time: see clock.
//
// # What rules this machine out
//
// The first of these that holds:
//
//  1. Another address of the family (another name, for the resolver) answered
//     within the last two minutes, and none was lost since then. For what is lost
//     just now that answer has to be newer than the probe; for what is known to be
//     dead it need not. Checks are compared by address and not by name, because
//     many names can be one machine.
//  2. A self_check target answers now. One given by name is a question to the
//     resolver, too. A refused connection is an answer.
//  3. One of up to four others that answered lately answers now; addresses are
//     connected to and hung up on without a word, names are looked up.
//
// If nothing answers, this machine is at fault: the conversation is not believed, nor
// are those of probes that began before it was well again. If there is nobody
// to ask, the failure is reported, and its hint says that this machine could not
// be ruled out.
//
// # The middle case
//
// When the uplink dies, the last good observation of the others may be seconds
// old. Taken by itself it would rule this machine out for two minutes, and with a
// short tolerance every check would alarm. Therefore the first failure of an
// address asks the others there and then, at the price of a few connections a
// failure.
//
// When every other check fails, what counts is since when. One that fell silent
// while something else answered is dead for reasons of its own: its silence
// proves nothing, it is not asked, and the last server to die is reported, if
// with the remark. Those that fell silent together, with no answer of anybody
// since, are taken for one fault of this machine, however long it lasts. That
// may be wrong: all servers may have died together, in one building. Then nobody
// is told that a server is down, and the daemon's roles are told that the monitor
// sees nothing any more; so it is never silent, and a self_check target makes it
// right. The same holds after a start as long as nothing at all has answered and
// more than one address was tried, or a minute has not passed: a machine that
// boots faster than its router must not wake anybody.
package selfcheck

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/names"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// Options are what a Self needs from outside. The zero value works.
type Options struct {
	// Newest is the time of the newest journal record at the start; zero: none.
	Newest time.Time
	// Dial connects to a literal address; nil: TCP as the system does it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver looks up self_check targets and names that other checks use; nil:
	// Go's own resolver with the system's configuration.
	Resolver Resolver
	// Clock says what befell the clocks of this machine, and how late this process
	// was: [clock.Watch.Read]; nil: nothing ever happens to them.
	Clock func() clock.Reading
	// Own reports whether an address is one of this machine itself, which answers without any network
	// and so proves nothing; nil: that is not asked.
	Own func(netip.Addr) bool
}

// A Self judges this machine. Its methods may be called by several goroutines
// at once.
type Self struct {
	options Options

	mu       sync.Mutex
	clock    wallClock
	links    map[string]*link // "ip4", "ip6", "dns"
	targets  []string         // self_check
	beside   []string         // host:port that only the networks are asked by
	troubles map[string]trouble
	lag      lag
}

// New makes a Self.
func New(o Options) *Self {
	if o.Dial == nil {
		// Only literal addresses are dialled, and hung up on at once.
		o.Dial = (&net.Dialer{FallbackDelay: -1, KeepAlive: -1}).DialContext
	}
	if o.Resolver == nil {
		o.Resolver = names.Resolver{}
	}
	if o.Clock == nil {
		o.Clock = clock.Undisturbed
	}
	s := &Self{options: o, troubles: map[string]trouble{}}
	s.clock = newClock(o)
	s.links = map[string]*link{
		"ip4":    newLink("IPv4", config.PhaseConnect, config.CauseLocalFault, askByConnecting("ip4", o)),
		"ip6":    newLink("IPv6", config.PhaseConnect, config.CauseLocalFault, askByConnecting("ip6", o)),
		resolver: newLink("resolver", config.PhaseDNS, config.CauseResolverDown, askByLookup(o.Resolver)),
	}
	return s
}

// Use takes the self_check targets of a configuration, each host:port. Those beside them are
// connected to as well, and prove nothing of the resolver: their names may stand in a file of this
// machine (hosts(5)).
func (s *Self) Use(targets []string, beside ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets, s.beside = targets, beside
	for _, l := range s.links {
		l.survey = survey{} // the silence of targets of before proves nothing
	}
}

// Guard puts [Self.Mark] and the verdict before an observer, as the loop of the probes wants
// it. What could not be judged is looked at again within a minute, however long the
// check's interval is.
func (s *Self) Guard(
	observe func(context.Context, incident.Result) incident.Pace,
) func(context.Context, *config.Probe, verdict.Probe) incident.Pace {
	return func(ctx context.Context, check *config.Probe, p verdict.Probe) incident.Pace {
		p = s.Mark(ctx, check, p)
		if ctx.Err() != nil {
			return incident.Pace{} // the loop is ending, and nobody knows what was to be found out
		}
		r := verdict.Judge(check, &p)
		pace := observe(ctx, r)
		if soon := r.Ended.Add(againAfter); blamesSelf(r) && (pace.At.IsZero() || pace.At.After(soon)) {
			pace.At = soon
		}
		return pace
	}
}

// againAfter is how soon a check is probed again that this machine could not
// judge.
const againAfter = time.Minute

// blamesSelf reports whether nothing was observed through a fault of this
// machine.
func blamesSelf(r incident.Result) bool {
	f, bad := r.Worst()
	return bad && r.Observed == 0 && (f.Cause == config.CauseLocalFault || f.Cause == config.CauseResolverDown)
}

// Mark returns a probe of a check as it is, or with marks on what this machine may have
// brought about.
func (s *Self) Mark(ctx context.Context, check *config.Probe, p verdict.Probe) verdict.Probe {
	s.mu.Lock()
	now := time.Now()
	s.noticeClockJump(now)
	if p.Started.Before(s.clock.jumped) {
		if marked, disturbed := verdict.UnlessWell(check, p, disturbance); disturbed {
			s.mu.Unlock()
			return marked
		}
	}
	suspicions := s.learnFromProbe(p, now)
	s.mu.Unlock()
	for i := range suspicions {
		// Asked without the lock: that may take seconds, and other probes must go on.
		if suspected := &suspicions[i]; suspected.link != nil && suspected.concluded == notRuledOut {
			s.askAbout(ctx, suspected, p.Started)
		}
	}
	s.noteFaults(p, suspicions)
	return markSuspected(p, suspicions)
}

// askAbout asks others about what could not be concluded without. Where there is nothing
// to compare the resolver with, it may be the network that is down: without it no
// resolver can be reached.
func (s *Self) askAbout(ctx context.Context, suspected *suspicion, started time.Time) {
	suspected.concluded = s.askInTurn(ctx, suspected.link, suspected.peers, started)
	if suspected.concluded != notRuledOut || suspected.link != s.links[resolver] {
		return
	}
	for _, network := range []string{"ip4", "ip6"} {
		l := s.links[network]
		switch concluded := s.askInTurn(ctx, l, nil, started); concluded {
		case ruledOut:
			// The network works, so that only the resolver is left, with nothing to compare it
			// with.
			suspected.concluded = notRuledOut
			return
		case linkDown, linkWasDown:
			suspected.link, suspected.peers, suspected.concluded = l, nil, concluded
		case notRuledOut, clockWrong:
		}
	}
}

// askInTurn concludes whether a link is down for somebody who did not reach his own
// peers. Whoever comes while somebody is asking waits for that and shares the answers:
// when an uplink dies, thousands come at once.
func (s *Self) askInTurn(ctx context.Context, l *link, own []string, started time.Time) conclusion {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return notRuledOut
	}
	concluded := s.askAround(ctx, l, own, started)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	// It works again now, but this probe began while it did not.
	case concluded == ruledOut && started.Before(l.returned):
		return linkWasDown
	case concluded == notRuledOut && l.heard.IsZero() && time.Since(s.clock.start) < early:
		return linkDown // others have had no time to answer yet
	}
	return concluded
}

// askAround asks others, unless an answer or a silence of a moment ago will do.
func (s *Self) askAround(ctx context.Context, l *link, own []string, started time.Time) conclusion {
	s.mu.Lock()
	now, last := time.Now(), l.survey
	works, concluded := l.knownToWork(own, started, now), last.conclude(own)
	if works || concluded != notRuledOut && last.stillHolds(now) {
		s.mu.Unlock()
		if works {
			return ruledOut // somebody answered meanwhile
		}
		return concluded
	}
	next := survey{peers: l.peersToAsk(own, askMost), targets: s.targetsFor(l)}
	s.mu.Unlock()
	next.askAll(ctx, l.ask)
	// An asking that was broken off had no time for answers: it teaches nothing.
	if ctx.Err() == nil {
		s.takeAnswers(l, next)
	}
	return next.conclude(own)
}

// targetsFor returns the self_check targets as a link asks them: their hosts by the
// resolver, host:port by the others.
func (s *Self) targetsFor(l *link) []string {
	if l.cause != config.CauseResolverDown {
		return slices.Concat(s.targets, s.beside)
	}
	var names []string
	for _, target := range s.targets {
		if host, _, err := net.SplitHostPort(target); err == nil {
			// The name is the question here; its port is of no use.
			names = append(names, host)
		}
	}
	return names
}

// takeAnswers notes who answered a survey.
func (s *Self) takeAnswers(l *link, asked survey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.survey = asked
	for i, said := range asked.said {
		switch {
		case said != answers:
			continue
		case i < len(asked.peers):
			answered := asked.peers[i]
			// The time of the question, so that the answer proves nothing later than it may.
			answered.at = asked.at
			l.noteAnswered(answered)
		default:
			l.noteTargetAnswered(asked.at)
		}
		s.noteTroubleOver(l.name)
	}
}
