//go:build !quick

package stream_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// onServers returns a node that decides, with a stream on three servers that write to their disks at once.
func onServers(b *testing.B) *member {
	b.Helper()
	s := bustest.Start(b, bustest.Setup{Servers: 3, Deciding: []string{"fra1", "nyc1"}, Following: []string{"lon1"}})
	m := &member{t: b, name: "fra1", dir: b.TempDir(), connect: func() bus.Bus { return s.Connect(b, "fra1") }}
	m.start()
	b.Cleanup(m.stop)
	for deadline := time.Now().Add(time.Minute); ; {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := stream.Create(ctx, m.bus.Stream(), 0, state("0"))
		if err == nil || errors.Is(err, stream.ErrMade) {
			err = errors.Join(m.CatchUp(ctx), begins(ctx, m))
		}
		cancel()
		if err == nil {
			return m
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // the servers elect
	}
}

// BenchmarkTransitions appends 100,000 transitions at once, in rounds as large as a tracker's.
//
//	go test -run '^$' -bench 'Transitions|WhileCompacting' -benchtime 1x ./daemon/stream
func BenchmarkTransitions(b *testing.B) {
	m := onServers(b)
	round := slices.Repeat([]journal.Record{record(strings.Repeat("x", 560))}, 4096)
	var slowest time.Duration
	messages := m.Place()
	for b.Loop() {
		for left := 100_000; left > 0; left -= len(round) {
			began := time.Now()
			if err := m.Append(round[:min(left, len(round))]...); err != nil {
				b.Fatal(err)
			}
			slowest = max(slowest, time.Since(began))
		}
	}
	b.ReportMetric(float64(m.Place()-messages)/float64(b.N), "messages/op")
	b.ReportMetric(float64(slowest.Milliseconds()), "ms-slowest-round")
}

// BenchmarkAppendWhileCompacting appends 1 kB after the other while a whole state of 26 MB goes to the stream: 20,000
// incidents of 1,300 bytes.
func BenchmarkAppendWhileCompacting(b *testing.B) {
	m := onServers(b)
	whole := slices.Repeat([]journal.Record{record(strings.Repeat("x", 1300))}, 20_000)
	one := record(strings.Repeat("x", 900))
	var took []time.Duration
	for b.Loop() {
		if err := m.Append(one); err != nil {
			b.Fatal(err)
		}
		began, place := time.Now(), m.Place()
		if err := m.Compact(slices.Values(whole)); err != nil && !errors.Is(err, journal.ErrNotDurable) {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-first-part")
		for first := uint64(0); first <= place; {
			var err error
			if first, _, err = m.bus.Stream().Ends(context.Background()); err != nil {
				b.Fatal(err)
			}
			asked := time.Now()
			if err := m.Append(one); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(asked))
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-all")
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-slowest")
	b.ReportMetric(float64(len(took)), "appends")
}
