package availability_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/daemon/availability"
)

// What one node at least has seen is known, second by second; all else stays as it was.
func TestSeenElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := drawLife(t)
		others := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []availability.Interval {
			return drawLife(t).Intervals
		}), 0, 3).Draw(t, "others")
		seen := availability.SeenElsewhere(life, others...)
		for at := start.Add(-2 * time.Minute); at.Before(start.Add(12 * time.Minute)); at = at.Add(time.Second) {
			for _, kind := range []availability.Kind{availability.Absent, availability.Paused, availability.Maintenance} {
				if holds(seen.Intervals, kind, at) != holds(life.Intervals, kind, at) {
					t.Fatalf("%s is another one at %s", kind, at)
				}
			}
			want := holds(life.Intervals, availability.Unknown, at)
			for _, list := range others {
				want = want && holds(list, "", at)
			}
			if got := holds(seen.Intervals, availability.Unknown, at); got != want {
				t.Fatalf("at %s it is unknown: %t, not %t\n%v\n%v", at, got, want, life, others)
			}
		}
	})
}

// holds reports whether a time is in an interval of a kind; empty: of any.
func holds(list []availability.Interval, kind availability.Kind, at time.Time) bool {
	for _, i := range list {
		if (kind == "" || i.Kind == kind) && !at.Before(i.From) && (i.To.IsZero() || at.Before(i.To)) {
			return true
		}
	}
	return false
}
