package agree_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/daemon/agree"
)

// Whether a node is at fault itself changes only beyond a half, and below a quarter: what comes and goes between
// changes nothing. To reach one check less never clears a node, and few checks never make one suspected.
func TestSuspicionIsSteady(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := agree.Record{WellElsewhere: rapid.IntRange(0, 1000).Draw(t, "well elsewhere")}
		r.Unreachable = rapid.IntRange(0, r.WellElsewhere).Draw(t, "unreachable")
		was := rapid.Bool().Draw(t, "suspected before")
		is := agree.Judge(r, was)
		between := r.Unreachable*4 >= r.WellElsewhere && r.Unreachable*2 <= r.WellElsewhere && r.Unreachable > 0
		switch {
		case between && is != was:
			t.Errorf("%+v changes it from %v", r, was)
		case agree.Judge(r, is) != is:
			t.Errorf("%+v changes it from %v and back", r, was)
		case is && !was && r.Unreachable < 5:
			t.Errorf("%+v makes it suspected", r)
		case is && r.Unreachable == 0:
			t.Errorf("%+v leaves it suspected", r)
		}
		more := r
		more.Unreachable = rapid.IntRange(r.Unreachable, r.WellElsewhere).Draw(t, "then")
		if is && !agree.Judge(more, is) {
			t.Errorf("%+v clears it, and %+v does not", more, r)
		}
	})
}
