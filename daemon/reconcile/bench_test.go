package reconcile

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

const fleet = 100_000

// probe has the size of a plausible configuration value: two strings and a few
// words, so that comparing 100,000 of them costs what it costs in the daemon.
type probe struct {
	host, settings string
	port, security int
}

func fleetOf(generation int) map[string]probe {
	want := make(map[string]probe, fleet)
	for i := range fleet {
		want[fmt.Sprintf("group/server%d/imaps", i)] = probe{
			host: fmt.Sprintf("mx%d.example.org", i), settings: "login,mailbox,thresholds", port: 993, security: generation,
		}
	}
	return want
}

func rest(ctx context.Context, _ string, _ probe) { <-ctx.Done() }

func BenchmarkApply100kStart(b *testing.B) {
	want := fleetOf(0)
	for b.Loop() {
		set := New(rest)
		set.Apply(want)
		b.StopTimer()
		set.Close()
		b.StartTimer()
	}
}

func BenchmarkApply100kUnchanged(b *testing.B) {
	set := New(rest)
	defer set.Close()
	set.Apply(fleetOf(0))
	again := fleetOf(0) // strings of its own, as a configuration read anew has
	for b.Loop() {
		set.Apply(again)
	}
}

func BenchmarkApply100kAllChanged(b *testing.B) {
	set := New(rest)
	defer set.Close()
	generations := []map[string]probe{fleetOf(0), fleetOf(1)}
	set.Apply(generations[1])
	for i := 0; b.Loop(); i++ {
		set.Apply(generations[i%2])
	}
}

func BenchmarkClose100k(b *testing.B) {
	want := fleetOf(0)
	for b.Loop() {
		b.StopTimer()
		set := New(rest)
		set.Apply(want)
		b.StartTimer()
		set.Close()
	}
}

// BenchmarkIdleKey reports what a key costs that waits for its next turn, beyond
// the map that was applied: heap (task, context, wait queue) and stack. The
// runtime reuses its own goroutine records, so only the first round (-benchtime
// 1x) counts those too..
func BenchmarkIdleKey(b *testing.B) {
	want := fleetOf(0)
	for b.Loop() {
		heap, stack := inUse()
		set := New(rest)
		set.Apply(want)
		heapAfter, stackAfter := inUse()
		b.ReportMetric(float64(heapAfter-heap)/fleet, "heap-B/key")
		b.ReportMetric(float64(stackAfter-stack)/fleet, "stack-B/key")
		set.Close()
	}
}

func inUse() (heap, stack int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}
