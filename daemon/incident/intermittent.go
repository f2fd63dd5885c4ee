package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// The rule of what is intermittent: at least fewestFailures failures, and at least
// leastShare of the observations, within historyMinutes. Only the service is counted,
// and a failure lasts from a failed observation to the next good one.
const (
	historyMinutes = 30
	fewestFailures = 3
	leastShare     = 20 // percent
)

// A serviceHistory counts the observations of a check's service in the last half hour,
// minute by minute. Like the counts of confirmations it is gathered afresh after a
// restart. Each check has one, so its numbers are no wider than they need to be.
type serviceHistory struct {
	first, last int32 // minutes since 1970: of the first and the newest observation; 0: none
	good, bad   [historyMinutes]uint8
	began       [historyMinutes]uint8 // failures that began
	failed      int16                 // failed observations in all
	failing     bool                  // the newest one
}

// record counts a result that observed the service.
func (h *serviceHistory) record(r Result) {
	if !r.Observed.Has(config.ConditionService) {
		return
	}
	o := observation{result: r, condition: config.ConditionService}
	f, bad := o.worstFinding()
	// The monitor could not judge, so this was neither good nor bad.
	if bad && f.Health == Unknown {
		return
	}
	// By the wall clock; advanceTo copes with one that was set.
	h.advanceTo(int32(r.Ended.Unix() / 60))
	slot := h.last % historyMinutes
	switch {
	case !bad:
		increment(&h.good[slot])
	// failed is the sum of bad, so what bad cannot hold is not counted there either.
	case increment(&h.bad[slot]):
		h.failed++
	}
	if bad && !h.failing {
		increment(&h.began[slot])
	}
	h.failing = bad
}

// increment adds one up to what a byte holds, and reports whether it did. A probe each
// second, the shortest interval, is 60 a minute.
func increment(n *uint8) bool {
	if *n == 255 {
		return false
	}
	*n++
	return true
}

// advanceTo makes a minute the newest one and forgets those that are too old. After a
// clock that was set back, or far ahead, it begins anew.
func (h *serviceHistory) advanceTo(minute int32) {
	if h.last == 0 || minute < h.last || minute-h.last >= historyMinutes {
		*h = serviceHistory{first: minute, last: minute}
		return
	}
	for h.last < minute {
		h.last++
		slot := h.last % historyMinutes
		h.failed -= int16(h.bad[slot])
		h.good[slot], h.bad[slot], h.began[slot] = 0, 0, 0
	}
}

// withIntermittent returns the result with the condition intermittent observed, and
// found where the rule holds. It waits for half an hour of observations, and for a good
// one: what goes on failing is the service's own incident. A service that is reported,
// or was so within the last half hour, is not reported for this as well.
func (h *serviceHistory) withIntermittent(s State, r Result) Result {
	service, known := s.Incident(config.ConditionService)
	told := known && service.Reported > 0 && (service.Open() || r.Started.Sub(service.ClosedAt) < historyMinutes*time.Minute)
	if !r.Observed.Has(config.ConditionService) || told || h.failing || h.last-h.first < historyMinutes {
		return r
	}
	failures, observations := total(h.began), total(h.good)+total(h.bad)
	if failures >= fewestFailures && int(h.failed)*100 >= leastShare*observations {
		f := service.Finding
		// The last failure names phase and cause. Degraded, since the service is well just now.
		f.Condition, f.Health, f.Grade = config.ConditionIntermittent, Degraded, 0
		f.Hint = fmt.Sprintf("It failed %d times in the last %d minutes, in %d of %d observations, and was well in between.",
			failures, historyMinutes, h.failed, observations)
		r.Findings = append(slices.Clip(r.Findings), f)
	}
	r.Observed |= config.ConditionSet(config.ConditionIntermittent)
	return r
}

// firstFailure returns when the first of the failures began that are counted now, to
// the minute, and not before the last such incident had ended.
func (h *serviceHistory) firstFailure(last Incident, now time.Time) time.Time {
	for minute := max(h.first, h.last-historyMinutes+1); minute <= h.last; minute++ {
		if h.began[minute%historyMinutes] > 0 {
			// A failure is counted in the minute in which its probe ended, and that may have
			// begun after this probe.
			if began := time.Unix(int64(minute)*60, 0); began.Before(now) {
				return laterOf(began.UTC(), last.EndedAt)
			}
		}
	}
	return now
}

// total sums the counts of all minutes.
func total(counts [historyMinutes]uint8) (n int) {
	for _, c := range counts {
		n += int(c)
	}
	return n
}
