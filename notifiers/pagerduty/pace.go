package pagerduty

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// PagerDuty takes about 120 events a minute for a key: so many at once and then so many in a second
// are no more in any minute.
const (
	atOnce    = 60
	perSecond = 1
)

// A pace gives each message that comes when there are too many a time of its own, so that ten
// thousand messages ask ten thousand times and not all of them again and again.
type pace struct {
	mu      sync.Mutex
	limiter *rate.Limiter
	turns   map[string]time.Time // by the keys of messages
}

func newPace() *pace {
	return &pace{limiter: rate.NewLimiter(perSecond, atOnce), turns: map[string]time.Time{}}
}

// wait returns 0 where it is the turn of a message, and else in how much time it will be.
func (p *pace) wait(key string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn, has := p.turns[key]
	if !has {
		turn = now.Add(p.limiter.ReserveN(now, 1).DelayFrom(now))
	}
	if turn.After(now) {
		p.turns[key] = turn
		p.forget(now)
		return turn.Sub(now)
	}
	delete(p.turns, key)
	return 0
}

// forget drops the turns of messages that did not come: a newer one has taken their place.
func (p *pace) forget(now time.Time) {
	const late, many = time.Hour, 1000
	if len(p.turns) < many || len(p.turns)%many != 0 {
		return
	}
	for key, turn := range p.turns {
		if now.Sub(turn) > late {
			delete(p.turns, key)
		}
	}
}
