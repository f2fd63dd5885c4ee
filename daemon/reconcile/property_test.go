package reconcile

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// census sees every goroutine of a Set come and go, and gives each a number that
// no other one ever has.
type census struct {
	arrived chan struct{}

	mu    sync.Mutex
	next  int
	alive map[int]resident // by key
	twice bool             // two goroutines of one key were alive together
}

type resident struct{ number, value int }

func (c *census) run(ctx context.Context, key, value int) {
	c.enter(key, value)
	c.arrived <- struct{}{}
	<-ctx.Done()
	runtime.Gosched() // give an impatient successor the time to overtake
	c.leave(key)
}

func (c *census) enter(key, value int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, occupied := c.alive[key]
	c.twice = c.twice || occupied
	c.next++
	c.alive[key] = resident{c.next, value}
}

func (c *census) leave(key int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.alive, key)
}

// take waits for the goroutines that were started and lists who is there.
func (c *census) take(started int) map[int]resident {
	for range started {
		<-c.arrived
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.alive)
}

// After any sequence of Applies: what runs is what was wanted last, who was not
// to be touched is still the same goroutine, who was changed is another one,
// nobody was ever there twice, and the Diff says so. Nobody stays after Close.
func TestRunningSetFollowsTheWantedOne(t *testing.T) {
	wants := rapid.MapOf(rapid.IntRange(0, 12), rapid.IntRange(0, 2))
	rapid.Check(t, func(t *rapid.T) {
		c := &census{arrived: make(chan struct{}), alive: make(map[int]resident)}
		set := New(c.run)
		before := c.take(0)
		for _, want := range rapid.SliceOfN(wants, 1, 8).Draw(t, "wants") {
			diff := set.Apply(want)
			after := c.take(len(diff.Started) + len(diff.Changed))
			checkStep(t, before, after, want, diff)
			before = after
		}
		set.Close()
		if left := c.take(0); len(left) > 0 {
			t.Errorf("still there after Close: %v", left)
		}
		if c.twice {
			t.Error("two goroutines of one key at a time")
		}
	})
}

func checkStep(t *rapid.T, before, after map[int]resident, want map[int]int, diff Diff[int]) {
	var expected Diff[int]
	values := make(map[int]int)
	for key, now := range after {
		values[key] = now.value
		was, ran := before[key]
		switch {
		case !ran:
			expected.Started = append(expected.Started, key)
		case was.number != now.number:
			expected.Changed = append(expected.Changed, key)
			if was.value == now.value {
				t.Errorf("key %d was restarted with the same value", key)
			}
		default:
			expected.Unchanged++
		}
	}
	for key := range before {
		if _, runs := after[key]; !runs {
			expected.Stopped = append(expected.Stopped, key)
		}
	}
	if !maps.Equal(want, values) {
		t.Errorf("wanted %v, running %v", want, values)
	}
	if d := gocmp.Diff(sorted(expected), sorted(diff)); d != "" {
		t.Errorf("what happened and what Diff says (-happened +said):\n%s", d)
	}
}
