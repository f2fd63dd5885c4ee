package selfcheck

import (
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

const (
	// lately is how long a good observation vouches for this machine.
	lately = 2 * time.Minute
	// comparable is how much older than the newest answer one may be for its
	// silence to mean something: who knows what became of others since.
	comparable = time.Hour
	// early is how long after the start others are waited for.
	early = time.Minute
)

// A conclusion says whether this machine is the reason of what a probe found.
type conclusion int

const (
	ruledOut    conclusion = iota // it is not: something else answers by the same link
	notRuledOut                   // there is nothing to compare with
	linkDown                      // nothing answers by the link any more
	linkWasDown                   // so it was when the probe began, and is not any more
	clockWrong                    // the clock may be wrong by so much that the dates look wrong
)

// A link is something of this machine that many checks share: its IPv4, its
// IPv6, its resolver. It remembers who answers through it.
type link struct {
	name  string // of the trouble, when there is one
	phase config.Phase
	cause config.Cause
	ask   askFunc

	// answering are the peers whose last word was an answer.
	answering peerList
	// lost are those that do not answer, while nothing has answered since: either
	// they are dead or this machine is cut off.
	lost peerList
	// dead are those that were lost while something answered: their silence says
	// nothing about this machine until they answer again.
	dead peerList
	// heard is the newest answer of anybody, vouched that of a self_check target.
	heard, vouched time.Time
	// woke is when this machine went on after a suspend or a standstill: answers of
	// before prove nothing.
	woke time.Time
	// broken: the link is down. It was the last time until returned.
	broken   bool
	returned time.Time

	turn   chan struct{} // held, by putting something in, while asking
	survey survey        // who was asked last
}

func newLink(name string, phase config.Phase, cause config.Cause, ask askFunc) *link {
	return &link{name: name, phase: phase, cause: cause, ask: ask, turn: make(chan struct{}, 1)}
}

// noteAnswered notes that a peer answered at p.at. Whoever was lost before that is
// nobody to compare with for now.
func (l *link) noteAnswered(p peer) {
	l.lost.remove(p.key)
	l.dead.remove(p.key)
	l.answering.putFirst(p)
	l.noteWorking(p.at)
	l.answering.removeBefore(l.heard.Add(-comparable)) // nobody knows what has become of those
}

// noteTargetAnswered notes that a self_check target answered.
func (l *link) noteTargetAnswered(at time.Time) {
	l.vouched = latest(l.vouched, at)
	l.noteWorking(at)
}

// noteWorking notes that the link was not down at a time: somebody answered.
func (l *link) noteWorking(at time.Time) {
	l.heard = latest(l.heard, at)
	l.lost.removeBefore(at)
	if l.broken {
		l.broken, l.returned = false, at
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// noteSilent notes that a peer did not answer at p.at.
func (l *link) noteSilent(p peer) {
	before, answered := l.answering.lookUp(p.key)
	_, known := l.lost.lookUp(p.key)
	_, dead := l.dead.lookUp(p.key)
	switch {
	// Its silence is no news.
	case dead:
		l.dead.putFirst(p) // to the front, since it is probed still; see noteDead
	case known, answered && before.at.After(p.at): // the answer came later, from another check
	default:
		l.answering.remove(p.key)
		l.lost.putFirst(p)
	}
}

// noteDead notes that peers are dead for reasons of their own: they do not answer, and
// this machine was ruled out.
func (l *link) noteDead(own []string, now time.Time) {
	for _, key := range own {
		if p, lost := l.lost.remove(key); lost {
			p.at = now
			l.dead.putFirst(p)
		}
	}
	l.dead.removeBefore(now.Add(-aDay)) // those that nobody probes any more
}

// knownToWork reports whether what is known rules this machine out already:
// somebody answered within the last two minutes, and nobody was lost after that.
// Where a probe that began at started did not reach its own peers, the answer has to be
// newer than their loss; without any, newer than started.
func (l *link) knownToWork(own []string, started, now time.Time) bool {
	proof := l.vouched
	if p, ok := l.answering.newest(); ok {
		proof = latest(proof, p.at)
	}
	if proof.IsZero() || now.Sub(proof) > lately || !proof.After(l.woke) {
		return false
	}
	if len(own) == 0 && !proof.After(started) {
		return false
	}
	for _, key := range own {
		if p, lost := l.lost.lookUp(key); lost && !proof.After(earliest(p.at, started)) {
			return false
		}
	}
	// The newest loss comes first, so that the first one that is not the probe's own decides.
	for p := range l.lost.all() {
		if !slices.Contains(own, p.key) {
			return !p.at.After(proof)
		}
	}
	return true
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// lostTogether reports whether one of a probe's own peers was lost together with all
// others, so that its silence is news about this machine.
func (l *link) lostTogether(own []string) bool {
	return slices.ContainsFunc(own, func(key string) bool {
		_, lost := l.lost.lookUp(key)
		return lost
	})
}

// peersToAsk returns others that could be asked whether it is only a probe's own peers
// that do not answer: those first that answered last.
func (l *link) peersToAsk(own []string, most int) (list []peer) {
	// The dead are not asked: their silence would prove nothing.
	for _, r := range []*peerList{&l.answering, &l.lost} {
		for p := range r.all() {
			if len(list) == most {
				return list
			}
			if !slices.Contains(own, p.key) {
				list = append(list, p)
			}
		}
	}
	return list
}
