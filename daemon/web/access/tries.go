package access

import (
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to log in: of one address ten times at once and then every six
// seconds, of all together thirty times and then every second. A person who mistypes does not
// notice; a program that guesses gets through 14,400 passwords a day.
const (
	triesAtOnce    = 10
	tryEvery       = 6 * time.Second
	allTriesAtOnce = 30
	allTriesEvery  = time.Second
	// mostAddresses bounds how many addresses are remembered.
	mostAddresses = 10_000
)

// tries bounds how often passwords and tokens are tried.
type tries struct {
	mu        sync.Mutex
	all       *rate.Limiter
	addresses map[netip.Prefix]*rate.Limiter
}

func newTries() *tries {
	return &tries{
		all: rate.NewLimiter(rate.Every(allTriesEvery), allTriesAtOnce), addresses: map[netip.Prefix]*rate.Limiter{},
	}
}

// take counts a try, and returns how long to wait before the next one; 0: this one may be made.
func (t *tries) take(from netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.limiterOf(from, now)
	if one.TokensAt(now) < 1 {
		return tryEvery
	}
	// Only whoever may try counts for all: one address cannot keep the others out.
	if !t.all.AllowN(now, 1) {
		return allTriesEvery
	}
	one.AllowN(now, 1)
	return 0
}

// limiterOf returns the limiter of an address; of IPv6 it is that of the network, of which one
// client has 2^64 addresses. t.mu is held.
func (t *tries) limiterOf(from netip.Addr, now time.Time) *rate.Limiter {
	bits := 32
	if from.Is6() {
		bits = 64
	}
	network, _ := from.Prefix(bits) // the zero Prefix for the zero Addr
	if l := t.addresses[network]; l != nil {
		return l
	}
	if len(t.addresses) >= mostAddresses {
		t.forgetFull(now)
	}
	l := rate.NewLimiter(rate.Every(tryEvery), triesAtOnce)
	if len(t.addresses) < mostAddresses { // else t.all is what bounds them
		t.addresses[network] = l
	}
	return l
}

// forgetFull forgets those who have not tried for a minute. t.mu is held.
func (t *tries) forgetFull(now time.Time) {
	for network, l := range t.addresses {
		if l.TokensAt(now) >= triesAtOnce {
			delete(t.addresses, network)
		}
	}
}

// retryAfter returns a time as the header Retry-After has it.
func retryAfter(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}
