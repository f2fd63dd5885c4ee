package incident

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// Pace is how soon a check wants to be probed again: the answer that a probe
// loop gets to a [Result].
type Pace struct {
	// Confirming asks for the retry interval, counted from the end of the
	// probe, instead of the check's regular phase.
	Confirming bool
	// Since is when the latest failure or recovery began: the retry interval
	// holds for 10 minutes from then, after that the smaller of the interval
	// and a minute.
	Since time.Time
	// At asks for a probe no later than this; zero: no wish. It is when a
	// tolerance ends and only a fresh observation can decide, so it always lies
	// ahead.
	At time.Time
	// Login is when the fault tolerance of an account failure that is not reported
	// yet ends, or has ended: a login is to confirm it then, however often it was
	// rejected. Zero: nothing is to be confirmed.
	Login time.Time
}

// PaceOf returns how soon a check in state s is to be probed after now.
func PaceOf(p config.Policy, s State, now time.Time) Pace {
	var pace Pace
	for _, in := range s.incidents {
		if !in.Live() {
			continue
		}
		pace.Confirming = true
		since, due := in.FailingSince, in.FailingSince.Add(in.faultTolerance(p))
		switch {
		case in.recovering():
			since, due = in.WellSince, in.WellSince.Add(in.recoveryTolerance(p))
		case in.Open():
			// It is reported and fails on: no tolerance is running.
			due = time.Time{}
		}
		if in.Condition == config.ConditionAccount && in.Unconfirmed && !in.recovering() {
			pace.Login = due
		}
		pace.Since = laterOf(pace.Since, since)
		// What lies behind is decided by the next regular probe.
		if due.After(now) && (pace.At.IsZero() || due.Before(pace.At)) {
			pace.At = due
		}
	}
	return pace
}
