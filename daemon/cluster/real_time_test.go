//go:build !quick

package cluster_test

import (
	"context"
	"sort"
	"sync"
	"time"
)

const (
	latenessPause = 20 * time.Millisecond
	// latenessGrace is by how much a goroutine that sleeps may be late for nothing.
	latenessGrace = 5 * time.Millisecond
)

// watchLateness adds up by how much a goroutine of this process that sleeps is woken late, and says so
// after each time, until ctx ends.
func watchLateness(ctx context.Context, say func(sum time.Duration)) {
	var sum time.Duration
	for last := uptime(); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(latenessPause):
		}
		now := uptime()
		if late := now - last - latenessPause; late > latenessGrace {
			sum += late
		}
		last = now
		say(sum)
	}
}

// A fairTime is a clock that stands still while the machines of a round that ought to run are late, since
// the computer that runs the test does other things. What takes too long by this clock is too slow on
// any computer.
type fairTime struct {
	began time.Duration // uptime

	mu      sync.Mutex
	samples []sample
}

// A sample is what both clocks showed at a moment.
type sample struct{ up, fair time.Duration }

// newFairTime begins at zero.
func newFairTime() *fairTime {
	now := uptime()
	return &fairTime{began: now, samples: []sample{{now, 0}}}
}

// pass lets time pass, of which some does not count.
func (f *fairTime) pass(late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, now := f.samples[len(f.samples)-1], uptime()
	f.samples = append(f.samples, sample{now, last.fair + max(now-last.up-late, 0)})
}

// now returns what the clock shows.
func (f *fairTime) now() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.samples[len(f.samples)-1].fair
}

// at returns what the clock showed at an uptime.
func (f *fairTime) at(up time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := sort.Search(len(f.samples), func(i int) bool { return f.samples[i].up >= up })
	if i == 0 {
		return f.samples[0].fair
	}
	a := f.samples[i-1]
	if i == len(f.samples) {
		return a.fair
	}
	b := f.samples[i]
	return a.fair + time.Duration(float64(b.fair-a.fair)*float64(up-a.up)/float64(b.up-a.up))
}

// late returns for how long the clock stood still in all.
func (f *fairTime) late() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := f.samples[len(f.samples)-1]
	return last.up - f.began - last.fair
}

// tooSlow reports whether the clock stood still for more than a fifth of the time. Then probes reach their
// time limits, too, on a computer where nothing is wrong with the nodes.
func (f *fairTime) tooSlow() bool { return f.late() > (uptime()-f.began)/5 }
