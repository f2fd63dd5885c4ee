package history

import (
	"math"
	"math/bits"
	"time"
)

// A bucket is a duration in one byte: 0 is none, and each of the others holds durations that
// are at most six per cent apart, so that its middle is right to three. Histograms over
// buckets are merged by adding.
type bucket = uint8

const (
	shortest = 50 * time.Microsecond
	longest  = 120 * time.Second
	// lastBucket is that of the longest; bucket 255 is not used.
	lastBucket = 254
)

// bucketStep is the logarithm of how much longer the durations of the next bucket are.
var bucketStep = math.Log(float64(longest)/float64(shortest)) / (lastBucket - 1)

// bucketMiddle holds the duration that stands for each bucket.
var bucketMiddle = func() (middle [256]time.Duration) {
	for b := 1; b <= lastBucket; b++ {
		middle[b] = time.Duration(float64(shortest) * math.Exp(float64(b-1)*bucketStep))
	}
	return middle
}()

// bucketEdge holds the first duration of each bucket, in nanoseconds, and behind the last one
// that is never reached.
var bucketEdge = func() (edge [lastBucket + 2]int64) {
	for b := 1; b <= lastBucket; b++ {
		edge[b] = int64(math.Ceil(float64(shortest) * math.Exp((float64(b)-1.5)*bucketStep)))
	}
	edge[lastBucket+1] = math.MaxInt64
	return edge
}()

// guessBits is how many bits after the first one are looked at for a guess: their last one is a
// step of three per cent, so that the guess is right or one too low.
const guessBits = 5

// bucketGuess holds the bucket of the first duration with a length in bits, and with the bits
// after the first one. A logarithm would take five times as long.
var bucketGuess = func() (guess [64 << guessBits]bucket) {
	b := 0
	for i := range guess {
		length, rest := i>>guessBits, i&(1<<guessBits-1)
		if length <= guessBits {
			continue // shorter than any
		}
		first := int64(1<<guessBits|rest) << (length - 1 - guessBits)
		for first > 0 && bucketEdge[b+1] <= first {
			b++
		}
		guess[i] = bucket(b)
	}
	return guess
}()

// bucketOf returns the bucket of a duration: the first one for all that are shorter, the last
// one for all that are longer, 0 for none.
func bucketOf(d time.Duration) bucket {
	switch {
	case d <= 0:
		return 0
	case d <= shortest:
		return 1
	case d >= longest:
		return lastBucket
	}
	length := bits.Len64(uint64(d))
	b := bucketGuess[length<<guessBits|int(d>>(length-1-guessBits))&(1<<guessBits-1)]
	if int64(d) >= bucketEdge[b+1] {
		b++
	}
	return b
}

// A histogram counts durations by their buckets.
type histogram [256]uint32

// percentile returns the bucket that a share of the durations is not longer than; 0: there are
// none.
func (h *histogram) percentile(share float64) bucket {
	total := uint64(0)
	for _, n := range h[1:] {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	// The nearest rank: of 100 durations the 95th, of one the first.
	rank := max(uint64(math.Ceil(share*float64(total))), 1)
	sum := uint64(0)
	for b, n := range h[1:] {
		if sum += uint64(n); sum >= rank {
			return bucket(b + 1)
		}
	}
	return lastBucket
}

// longest returns the bucket of the longest duration; 0: there are none.
func (h *histogram) longest() bucket {
	for b := len(h) - 1; b > 0; b-- {
		if h[b] > 0 {
			return bucket(b)
		}
	}
	return 0
}
