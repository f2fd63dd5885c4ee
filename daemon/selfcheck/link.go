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

// A ruling says whether this machine is at fault, as far as a link goes.
type ruling int

const (
	innocent ruling = iota // something else answers: the fault is out there
	alone                  // there is nothing to compare with
	atFault                // nothing answers any more
	back                   // it was at fault when the probe began, and is not any more
)

// A link is something of this machine that many checks share: its IPv4, its
// IPv6, its resolver. It remembers who answers through it.
type link struct {
	name  string // of the trouble, when there is one
	phase config.Phase
	cause config.Cause
	reach reach

	// answering are the peers whose last word was an answer.
	answering roll
	// lost are those that do not answer, while nothing has answered since: either
	// they are dead or this machine is cut off.
	lost roll
	// dead are those that were lost while something answered: their silence says
	// nothing about this machine until they answer again.
	dead roll
	// heard is the newest answer of anybody, vouched that of a self_check target.
	heard, vouched time.Time
	// woke is when this machine did after a suspend: what was before proves
	// nothing.
	woke time.Time
	// broken: the machine is at fault. It was until returned.
	broken   bool
	returned time.Time

	turn  chan struct{} // held, by putting something in, while asking
	panel panel         // who was asked last
}

func newLink(name string, phase config.Phase, cause config.Cause, r reach) *link {
	return &link{name: name, phase: phase, cause: cause, reach: r, turn: make(chan struct{}, 1)}
}

// answered notes that a peer answered at p.at. Whoever was lost before that is
// nobody to compare with for now.
func (l *link) answered(p peer) {
	l.lost.leave(p.key)
	l.dead.leave(p.key)
	l.answering.enter(p)
	l.works(p.at)
	l.answering.purge(l.heard.Add(-comparable))
}

// vouch notes that a self_check target answered.
func (l *link) vouch(at time.Time) {
	l.vouched = latest(l.vouched, at)
	l.works(at)
}

func (l *link) works(at time.Time) {
	l.heard = latest(l.heard, at)
	l.lost.purge(at)
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

// failed notes that a peer did not answer at p.at.
func (l *link) failed(p peer) {
	before, answered := l.answering.find(p.key)
	_, known := l.lost.find(p.key)
	_, dead := l.dead.find(p.key)
	switch {
	case dead:
		l.dead.enter(p)
	case known, answered && before.at.After(p.at): // the answer came later, from another check
	default:
		l.answering.leave(p.key)
		l.lost.enter(p)
	}
}

// buries mine: they are dead, while this machine is innocent.
func (l *link) bury(mine []string, now time.Time) {
	for _, key := range mine {
		if p, lost := l.lost.leave(key); lost {
			p.at = now
			l.dead.enter(p)
		}
	}
	l.dead.purge(now.Add(-aDay)) // those that nobody probes any more
}

// certain reports whether what is known rules this machine out already:
// somebody answered within the last two minutes, and nobody was lost after that.
// Mine, which a probe that began at started did not reach, want an answer since
// they were lost; without mine, since started.
func (l *link) certain(mine []string, started, now time.Time) bool {
	proof := l.vouched
	if p, ok := l.answering.first(); ok {
		proof = latest(proof, p.at)
	}
	if proof.IsZero() || now.Sub(proof) > lately || !proof.After(l.woke) {
		return false
	}
	if len(mine) == 0 && !proof.After(started) {
		return false
	}
	for _, key := range mine {
		if p, lost := l.lost.find(key); lost && !proof.After(earliest(p.at, started)) {
			return false
		}
	}
	for p := range l.lost.all() {
		if !slices.Contains(mine, p.key) {
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

// suspects reports whether one of mine was lost together with all others, so
// that their silence is news about this machine.
func (l *link) suspects(mine []string) bool {
	return slices.ContainsFunc(mine, func(key string) bool {
		_, lost := l.lost.find(key)
		return lost
	})
}

// candidates are peers that could be asked whether it is only mine that do not
// answer: the most promising first.
func (l *link) candidates(mine []string, most int) (list []peer) {
	for _, r := range []*roll{&l.answering, &l.lost} {
		for p := range r.all() {
			if len(list) == most {
				return list
			}
			if !slices.Contains(mine, p.key) {
				list = append(list, p)
			}
		}
	}
	return list
}
