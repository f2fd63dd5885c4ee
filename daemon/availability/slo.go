package availability

import (
	"math"
	"math/big"
	"strconv"
	"time"
)

// A Verdict says what became of a promise.
type Verdict string

// The verdicts.
const (
	Kept      Verdict = "kept"       // even if the unknown time was down
	Missed    Verdict = "missed"     // even if the unknown time was up
	NotProven Verdict = "not_proven" // it depends on the unknown time
)

// An SLO is what became of a promised availability.
type SLO struct {
	Objective float64 // the promise, from 0 to 1
	Verdict   Verdict
	Budget    time.Duration // how long the service was allowed to be down
	Left      time.Duration // less than zero when it is overdrawn
}

// Judge compares sums with a promise in percent.
func Judge(s Seconds, percent float64) SLO {
	objective := exactly(percent)
	up, whole := s.Up(), s.Up()+s.Down+s.Unknown
	slo := SLO{Verdict: NotProven}
	slo.Objective, _ = objective.Float64()
	switch {
	case whole == 0: // nothing was kept, and nothing missed
	case atLeast(up, whole, objective):
		slo.Verdict = Kept
	case !atLeast(up+s.Unknown, whole, objective):
		slo.Verdict = Missed
	}
	slo.Budget = times(s.Up()+s.Down, new(big.Rat).Sub(big.NewRat(1, 1), objective))
	slo.Left = slo.Budget - s.Down
	return slo
}

// exactly returns a promise as people wrote it: 99.9 is 999/1000, which no binary fraction is.
func exactly(percent float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(percent, 'f', -1, 64))
	if !ok { // not a number
		return new(big.Rat)
	}
	return r.Quo(r, big.NewRat(100, 1))
}

func atLeast(part, whole time.Duration, objective *big.Rat) bool {
	return big.NewRat(int64(part), int64(whole)).Cmp(objective) >= 0
}

// times multiplies, and cuts to a nanosecond.
func times(d time.Duration, by *big.Rat) time.Duration {
	r := new(big.Rat).Mul(big.NewRat(int64(d), 1), by)
	return time.Duration(new(big.Int).Quo(r.Num(), r.Denom()).Int64())
}

// Burn returns how many times faster than allowed the budget was used in the time that was
// judged: at 1 it is used up exactly at the end of the period. nil: there is no data, or the
// promise leaves no budget.
func Burn(s Seconds, percent float64) *float64 {
	judged := s.Up() + s.Down
	allowed, _ := new(big.Rat).Sub(big.NewRat(1, 1), exactly(percent)).Float64()
	if judged == 0 || allowed <= 0 {
		return nil
	}
	burn := float64(s.Down) / float64(judged) / allowed
	return &burn
}

// BudgetGone returns when the budget that is left will be used up if the service goes on
// to fail as it did when burn was measured; zero: never, or not within a year, or it is gone.
func BudgetGone(slo SLO, burn *float64, now time.Time) time.Time {
	if burn == nil || *burn <= 1 || slo.Left <= 0 {
		return time.Time{} // the budget grows at least as fast as it is used
	}
	after := float64(slo.Left) / ((*burn - 1) * (1 - slo.Objective))
	if math.IsNaN(after) || after > float64(365*24*time.Hour) {
		return time.Time{}
	}
	return now.Add(time.Duration(after))
}
