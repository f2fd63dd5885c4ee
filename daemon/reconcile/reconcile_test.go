package reconcile

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sorted makes a Diff comparable: its keys come in no particular order.
func sorted[K cmp.Ordered](d Diff[K]) Diff[K] {
	for _, keys := range [][]K{d.Started, d.Stopped, d.Changed} {
		slices.Sort(keys)
	}
	return d
}

func idle(ctx context.Context, _ string, _ int) { <-ctx.Done() }

func TestApplyNamesWhatItDid(t *testing.T) {
	type want = map[string]int
	steps := []struct {
		name string
		want want
		diff Diff[string]
	}{
		{"nothing wanted", want{}, Diff[string]{}},
		{"two are new", want{"a": 1, "b": 1}, Diff[string]{Started: []string{"a", "b"}}},
		{"the same again", want{"a": 1, "b": 1}, Diff[string]{Unchanged: 2}},
		{"one changes", want{"a": 2, "b": 1}, Diff[string]{Changed: []string{"a"}, Unchanged: 1}},
		{"one goes", want{"a": 2}, Diff[string]{Stopped: []string{"b"}, Unchanged: 1}},
		{"one comes, one changes", want{"a": 3, "c": 1}, Diff[string]{Started: []string{"c"}, Changed: []string{"a"}}},
		{"all change places", want{"d": 1}, Diff[string]{Started: []string{"d"}, Stopped: []string{"a", "c"}}},
		{"nil is empty", nil, Diff[string]{Stopped: []string{"d"}}},
	}
	set := New(idle)
	defer set.Close()
	for _, step := range steps {
		if d := gocmp.Diff(step.diff, sorted(set.Apply(step.want))); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, d)
		}
	}
}

func TestApplyDoesNotRetainItsArgument(t *testing.T) {
	set := New(idle)
	defer set.Close()
	want := map[string]int{"a": 1}
	set.Apply(want)
	clear(want)
	if d := gocmp.Diff(Diff[string]{Unchanged: 1}, set.Apply(map[string]int{"a": 1})); d != "" {
		t.Errorf("after the caller cleared its map (-want +got):\n%s", d)
	}
}

// Each goroutine returns only after it has seen all others cancelled: a Set that
// waited for one before cancelling the next would never come back.
func TestStopsAreCancelledTogether(t *testing.T) {
	const n = 100
	for _, stop := range []struct {
		name string
		call func(*Set[int, int])
	}{
		{"removed", func(s *Set[int, int]) { s.Apply(nil) }},
		{"closed", func(s *Set[int, int]) { s.Close() }},
	} {
		t.Run(stop.name, func(t *testing.T) {
			var cancelled sync.WaitGroup
			cancelled.Add(n)
			set := New(func(ctx context.Context, _, _ int) {
				<-ctx.Done()
				cancelled.Done()
				cancelled.Wait()
			})
			want := make(map[int]int)
			for key := range n {
				want[key] = 0
			}
			set.Apply(want)
			stop.call(set)
			set.Close()
		})
	}
}

func TestSlowStopHoldsBackTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started []int
		release := make(chan struct{})
		set := New(func(ctx context.Context, _ string, value int) {
			started = append(started, value)
			<-ctx.Done()
			<-release
		})
		set.Apply(map[string]int{"a": 1})
		synctest.Wait()

		applied := make(chan struct{})
		go func() {
			defer close(applied)
			set.Apply(map[string]int{"a": 2})
		}()
		synctest.Wait()
		if !slices.Equal(started, []int{1}) {
			t.Errorf("started %v while the first had not returned", started)
		}
		close(release)
		<-applied
		synctest.Wait()
		if !slices.Equal(started, []int{1, 2}) {
			t.Errorf("started %v, want both, one after the other", started)
		}
		set.Close()
	})
}

func TestRunThatReturnsEarlyIsStartedByTheNextApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var contexts []context.Context
		set := New(func(ctx context.Context, _ string, _ int) { contexts = append(contexts, ctx) })
		defer set.Close()
		want := map[string]int{"a": 1}
		for n := 1; n <= 3; n++ {
			if d := gocmp.Diff(Diff[string]{Started: []string{"a"}}, set.Apply(want)); d != "" {
				t.Errorf("apply %d (-want +got):\n%s", n, d)
			}
			synctest.Wait()
			if len(contexts) != n {
				t.Fatalf("run %d times after %d applies", len(contexts), n)
			}
			if contexts[n-1].Err() == nil {
				t.Error("the context outlives the run it was made for")
			}
		}
		if d := gocmp.Diff(Diff[string]{}, set.Apply(nil)); d != "" {
			t.Errorf("ended by itself and no longer wanted (-want +got):\n%s", d)
		}
	})
}

func TestApplyAfterCloseStartsNothing(t *testing.T) {
	set := New(func(context.Context, string, int) { t.Error("started after Close") })
	set.Close()
	if d := gocmp.Diff(Diff[string]{}, set.Apply(map[string]int{"a": 1})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	set.Close()
}

func TestUncomparableValueLeavesTheSetAsItWas(t *testing.T) {
	set := New(func(ctx context.Context, _ string, _ any) { <-ctx.Done() })
	defer set.Close()
	set.Apply(map[string]any{"a": 1, "b": []int(nil)})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("comparing two slices did not panic")
			}
		}()
		set.Apply(map[string]any{"b": []int(nil)})
	}()
	if d := gocmp.Diff(Diff[string]{Stopped: []string{"b"}, Unchanged: 1}, set.Apply(map[string]any{"a": 1})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestConcurrentAppliesTakeEffectOneAfterTheOther(t *testing.T) {
	set := New(idle)
	var all sync.WaitGroup
	for value := range 20 {
		all.Go(func() { set.Apply(map[string]int{"a": value, "b": 0}) })
	}
	all.Go(func() { set.Close() })
	all.Wait()
	set.Close()
	if n := len(set.running); n != 0 {
		t.Errorf("%d still running after Close", n)
	}
}
