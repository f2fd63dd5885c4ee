package probe

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// BenchmarkIdleCheck reports what a check costs that waits for its next turn:
// heap (the check, its turns and timer) and stack.
//
//	go test -run '^$' -bench IdleCheck -benchtime 1x ./daemon/probe
func BenchmarkIdleCheck(b *testing.B) {
	const checks = 100_000
	for b.Loop() {
		var probed atomic.Int64
		loop := &Loop{
			Probe: func(context.Context, config.CheckID, config.Probe) verdict.Probe { return verdict.Probe{} },
			Report: func(context.Context, *config.Probe, verdict.Probe) incident.Pace {
				probed.Add(1)
				return incident.Pace{}
			},
		}
		ctx, cancel := context.WithCancel(b.Context())
		heap, stack := inUse()
		ended := make(chan struct{})
		run := loop.Runner()
		for i := range checks {
			go func() {
				run(ctx, config.CheckID(fmt.Sprint("server", i)), &config.Probe{Interval: time.Hour})
				ended <- struct{}{}
			}()
		}
		for probed.Load() < checks { // all have had their first turn, within ten seconds
			time.Sleep(100 * time.Millisecond)
		}
		heapAfter, stackAfter := inUse()
		b.ReportMetric(float64(heapAfter-heap)/checks, "heap-B/check")
		b.ReportMetric(float64(stackAfter-stack)/checks, "stack-B/check")
		cancel()
		for range checks {
			<-ended
		}
	}
}

func inUse() (heap, stack int64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}
