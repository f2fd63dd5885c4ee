package probe

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	firstWithin   = 10 * time.Second // or the interval, if that is shorter
	retryFor      = 10 * time.Minute // the retry interval holds this long
	slowestRetry  = time.Minute      // and then the interval or this
	shortestPause = time.Second      // between two probes that a tracker asks for
)

// spreadOf returns a number in [0, 1) that an id always gets, on any machine and after
// any restart: FNV-1a, whose upper bits are mixed well enough after a final
// multiplication.
func spreadOf(id config.CheckID) float64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, c := range []byte(id) {
		h = (h ^ uint64(c)) * prime
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return float64(h>>11) / (1 << 53)
}

// fractionOf returns the part of d that belongs to an id.
func fractionOf(id config.CheckID, d time.Duration) time.Duration {
	return time.Duration(spreadOf(id) * float64(d))
}

// firstAfter returns the pause before the first probe of a check.
func firstAfter(id config.CheckID, interval time.Duration) time.Duration {
	return fractionOf(id, min(interval, firstWithin))
}

// A position is the place of this node among those that probe a check.
type position struct{ place, nodes int }

// share returns how much later in an interval than the first node this one probes.
func (p position) share(interval time.Duration) time.Duration {
	if p.nodes < 2 {
		return 0
	}
	return interval / time.Duration(p.nodes) * time.Duration(p.place)
}

// untilPhase returns the pause from now until the check's next turn. Turns are
// counted on the wall clock from 1970, so a restart or a reload does not shift
// them, and nothing drifts.
func untilPhase(id config.CheckID, at position, interval time.Duration, now time.Time) time.Duration {
	since := time.Duration(now.UnixNano()) - fractionOf(id, interval) - at.share(interval)
	into := since % interval
	// The clock of a machine without a battery may stand at 1970.
	if into < 0 {
		into += interval
	}
	return interval - into
}

// pauseAfter returns the pause after a probe that ended just now.
func pauseAfter(id config.CheckID, at position, check *config.Probe, pace incident.Pace, now time.Time) time.Duration {
	pause := untilPhase(id, at, check.Interval, now)
	if pace.Confirming {
		retry := check.RetryInterval
		if now.Sub(pace.Since) >= retryFor {
			retry = min(check.Interval, slowestRetry)
		}
		pause = min(pause, retry)
	}
	if !pace.At.IsZero() {
		// A time that is over must not have probes follow each other without a pause.
		pause = min(pause, max(pace.At.Sub(now), shortestPause))
	}
	return pause
}
