package daemon

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe"
)

const (
	// lagToldEvery is how often the log tells of a lag at most.
	lagToldEvery = 10 * time.Minute
	// lagKept is how long a lag is remembered, and at most twice that.
	lagKept = time.Minute
	// waitsAfter is what a timer and a busy machine may take.
	waitsAfter = time.Second
)

// A lag is how much later than its turn a probe began, the longest of the last
// minute or two. It holds two numbers, however many probes there are.
type lag struct {
	mu           sync.Mutex
	since        time.Time // for which now is
	now, earlier time.Duration
}

// noteDelay notes how late a probe began.
func (l *lag) noteDelay(late time.Duration, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgetOld(at)
	l.now = max(l.now, late)
}

// longestDelay returns the longest delay of the last minute or two.
func (l *lag) longestDelay(at time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgetOld(at)
	return max(l.now, l.earlier)
}

// forgetOld forgets what is old. l.mu is held.
func (l *lag) forgetOld(at time.Time) {
	switch past := at.Sub(l.since); {
	case past >= 2*lagKept:
		l.since, l.now, l.earlier = at, 0, 0
	case past >= lagKept:
		l.since, l.now, l.earlier = at, 0, l.now
	}
}

// punctuality sums up how late probes begin.
func (m *monitor) punctuality(now time.Time, waiting []probe.Wait) api.Probes {
	longest := m.vitals.lag.longestDelay(now)
	var p api.Probes
	for _, w := range waiting {
		// A probe that has not begun is in no record yet, and may be the latest of all.
		longest = max(longest, w.For)
		if w.For >= waitsAfter {
			p.Waiting++
		}
		if w.For > tolerableDelay(w) {
			p.Overdue++
		}
	}
	p.LagS = longest.Round(time.Millisecond).Seconds()
	return p
}

// logLag logs a notable lag, unless it did so not long ago, and returns when it
// logged one last.
func (m *monitor) logLag(now, said time.Time, p api.Probes) time.Time {
	if !p.Late() || !said.IsZero() && now.Sub(said) < lagToldEvery {
		return said
	}
	m.Log.Warn("probes start late", zap.Float64("lag_s", p.LagS), zap.Int("waiting", p.Waiting),
		zap.Int("overdue", p.Overdue), zap.Int("max_concurrent_probes", m.loop.Limit))
	return now
}
