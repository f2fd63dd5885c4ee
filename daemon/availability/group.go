package availability

import (
	"slices"
	"time"
)

// A Together is what several checks had at the same time.
type Together struct {
	AnyDown time.Duration // at least one was down
	// AllDown is the time in which all that counted were down. A check that is absent or in
	// maintenance does not count; one that is unknown does, and is not down.
	AllDown time.Duration
}

// Compare returns what the timelines of several checks had at the same time. They are of the
// same window.
func Compare(lines ...[]Stretch) (t Together) {
	type border struct {
		at        time.Time
		down, out int
	}
	var borders []border
	for _, line := range lines {
		for _, s := range line {
			down, out := 0, 0
			switch s.State {
			case IsDown:
				down = 1
			case IsAbsent, IsPaused, InMaintenance:
				out = 1
			default:
				continue
			}
			borders = append(borders, border{s.From, down, out}, border{s.To, -down, -out})
		}
	}
	slices.SortFunc(borders, func(a, b border) int { return a.at.Compare(b.at) })
	down, out := 0, 0
	for i, b := range borders {
		if i > 0 && down > 0 {
			length := b.at.Sub(borders[i-1].at)
			t.AnyDown += length
			if down+out == len(lines) {
				t.AllDown += length
			}
		}
		down += b.down
		out += b.out
	}
	return t
}
