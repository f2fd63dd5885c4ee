package history

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A bucket's middle is right to three per cent, from the shortest to the longest, and longer
// durations have no lower bucket.
func TestBucketsAreRightToThreePerCent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(shortest), int64(longest)).Draw(t, "duration"))
		b := bucketOf(d)
		if off := math.Abs(float64(bucketMiddle[b])/float64(d) - 1); off > 0.03 {
			t.Fatalf("%s is in the bucket of %s", d, bucketMiddle[b])
		}
		if longer := d + time.Duration(rapid.Int64Range(0, int64(d)).Draw(t, "more")); bucketOf(longer) < b {
			t.Fatalf("%s has bucket %d, and %s has %d", d, b, longer, bucketOf(longer))
		}
	})
}

func TestEdgesOfBuckets(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]bucket{
		-1: 0, 0: 0, 1: 1, time.Microsecond: 1, shortest: 1, longest: lastBucket, 2 * longest: lastBucket, 1 << 62: lastBucket, math.MaxInt64: lastBucket,
	} {
		if got := bucketOf(d); got != want {
			t.Errorf("%d has bucket %d, want %d", d, got, want)
		}
	}
	for b := 1; b <= lastBucket; b++ {
		if got := bucketOf(bucketMiddle[b]); int(got) != b {
			t.Errorf("the middle of %d has bucket %d", b, got)
		}
		if first := time.Duration(bucketEdge[b]); b > 1 && (int(bucketOf(first)) != b || int(bucketOf(first-1)) != b-1) {
			t.Errorf("bucket %d does not begin at %s", b, first)
		}
	}
}

// Percentiles of histograms are those of the durations themselves, to three per cent.
func TestPercentilesAreThoseOfTheDurations(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Int64Range(int64(shortest), int64(longest)), 1, 200).Draw(t, "durations")
		var h histogram
		for _, d := range list {
			h[bucketOf(time.Duration(d))]++
		}
		slices.Sort(list)
		for _, share := range []float64{0.5, 0.95, 0.99} {
			want := list[max(int(math.Ceil(share*float64(len(list)))), 1)-1]
			if got := bucketMiddle[h.percentile(share)]; math.Abs(float64(got)/float64(want)-1) > 0.03 {
				t.Fatalf("the %v percentile is %s, want %s", share, got, time.Duration(want))
			}
		}
	})
}
