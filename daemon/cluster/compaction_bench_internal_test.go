package cluster

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// BenchmarkCompaction measures how long an observation waits at most while the journal, which has grown to 64 MiB, is
// written anew with 10,000 open incidents, 10,000 that are over, and what was told of them.
//
//	go test -run '^$' -bench Compaction -benchtime 1x ./daemon/cluster
func BenchmarkCompaction(b *testing.B) {
	for b.Loop() {
		s := &succession{b: b, cfg: manyChecks(100_000), net: local.New()}
		d := s.newDecider()
		d.fill(60 << 20)
		s.everyTenth(d.to, 0, true)
		d.awaitDelivered()
		d.stop()
		d.open(stream.CompactAt)
		size := d.copied.Size()
		began, cpu := time.Now(), cpuTime()
		var took []time.Duration
		for i := 0; d.copied.Size() >= size; i++ {
			r := well(failsLast, time.Now())
			if i%2 == 0 {
				r = failing(failsLast, time.Now())
			}
			d.to.Observe(context.Background(), r)
			took = append(took, time.Since(r.Started))
		}
		b.ReportMetric(float64(size)/(1<<20), "MiB-before")
		b.ReportMetric(float64(d.copied.Size())/(1<<20), "MiB-after")
		b.ReportMetric(time.Since(began).Seconds(), "s-all")
		b.ReportMetric(float64((cpuTime() - cpu).Milliseconds()), "cpu-ms")
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-slowest")
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
		d.close()
	}
}
