package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/notifiers"
)

const (
	// overdueAfter is how many intervals late a probe may be before somebody is
	// told that a check is not being watched.
	overdueAfter = 2
	// overdueLeast is what a busy machine may take, however short the interval.
	overdueLeast = 30 * time.Second
)

// tolerableDelay returns how late a probe may be.
func tolerableDelay(w probe.Wait) time.Duration { return max(overdueAfter*w.Interval, overdueLeast) }

// An overdue finds the checks that have not been probed for too long, as long as it
// is certain that it was the scheduler that let them wait: where the whole process
// was late by about as much, or checks are late at one look and probed by the next,
// it was not. A suspend and a clock jump do not show at all, since turns are waited
// for by the monotonic clock, which knows neither (clock_gettime(2)).
type overdue struct {
	late   time.Duration // of the process, at the last look
	awake  time.Time     // since when the process has been running for certain
	before bool          // there were some at the last look
	told   bool          // people know of some
}

// findOverdue returns those checks, the one that has waited longest first. Once people
// have been told, it is over when none is late by more than half of that.
func (o *overdue) findOverdue(r clock.Reading, waiting []probe.Wait) []probe.Wait {
	now := r.At
	// The process stood still: what waited until now did not wait for the scheduler.
	if r.Late-o.late > troubleEvery {
		o.awake, o.before = now, false
	}
	o.late = r.Late
	var late []probe.Wait
	for _, w := range waiting {
		w.For = min(w.For, now.Sub(o.awake))
		if most := tolerableDelay(w); w.For > most || o.told && w.For > most/2 {
			late = append(late, w)
		}
	}
	// Late at two looks, one after the other: at one alone it may be about to be probed.
	o.told = len(late) > 0 && o.before
	o.before = len(late) > 0
	if !o.told {
		return nil
	}
	slices.SortFunc(late, func(a, b probe.Wait) int {
		return cmp.Or(cmp.Compare(b.For, a.For), cmp.Compare(a.Check, b.Check))
	})
	return late
}

// probesFinding returns what is wrong when checks are overdue, the first of them the most.
// It returns nil if none is.
func probesFinding(late []probe.Wait, limit int) *incident.Finding {
	if len(late) == 0 {
		return nil
	}
	hint := fmt.Sprintf("Check %s should have been probed %s ago", late[0].Check, notifiers.Duration(late[0].For))
	switch others := len(late) - 1; {
	case others == 1:
		hint += ", and one more check is overdue by more than two intervals"
	case others > 1:
		hint += fmt.Sprintf(", and %d more checks are overdue by more than two intervals", others)
	}
	return &incident.Finding{
		Cause: config.CauseLocalFault,
		Hint: hint + fmt.Sprintf(": this machine is too busy, or more servers hang than "+
			"max_concurrent_probes (%d) leaves room for. If the configuration allows more, raise LimitNOFILE= of the service.", limit),
	}
}
