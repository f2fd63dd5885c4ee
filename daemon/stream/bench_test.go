package stream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// joinBench returns a node with an empty copy.
func joinBench(b *testing.B, net *local.Network, name string) *member {
	b.Helper()
	m := &member{t: b, name: name, dir: b.TempDir(), connect: func() bus.Bus { return net.Connect(name) }, fs: &disk{}}
	m.start()
	b.Cleanup(m.stop)
	return m
}

// filled returns a network whose stream has so many bytes of records, each of 1 kB.
func filled(b *testing.B, bytes, aMessage int) *local.Network {
	b.Helper()
	net := newNetwork(b)
	fra := joinBench(b, net, "fra1")
	fra.begin()
	word := strings.Repeat("x", 920)
	var round []journal.Record
	for range aMessage {
		round = append(round, record(word))
	}
	for range bytes / 1024 / aMessage {
		if err := fra.Append(round...); err != nil {
			b.Fatal(err)
		}
	}
	fra.stop()
	return net
}

// BenchmarkCatchUp reads a stream of 64 MiB into an empty copy, and opens and replays it.
func BenchmarkCatchUp(b *testing.B) {
	for _, aMessage := range []int{1, 512} {
		b.Run(fmt.Sprintf("%d records a message", aMessage), func(b *testing.B) {
			net := filled(b, 64<<20, aMessage)
			b.Run("read", func(b *testing.B) {
				b.SetBytes(64 << 20)
				for b.Loop() {
					m := joinBench(b, net, "nyc1")
					if err := m.CatchUp(context.Background()); err != nil {
						b.Fatal(err)
					}
					m.stop()
				}
			})
			m := joinBench(b, net, "lon1")
			m.catchUp()
			b.Run("replay", func(b *testing.B) {
				b.SetBytes(64 << 20)
				for b.Loop() {
					for _, err := range m.Replay() {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
			b.Run("open", func(b *testing.B) {
				b.SetBytes(64 << 20)
				for b.Loop() {
					m.stop()
					m.start()
				}
				m.folded = nil
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				m.stop()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(int64(before.HeapAlloc)-int64(after.HeapAlloc))/(1<<20), "MiB-held")
				m.start()
			})
		})
	}
}

// BenchmarkAppend appends rounds of one record of 1 kB, and of as many as a storm has.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 4096} {
		b.Run(fmt.Sprintf("%d records", n), func(b *testing.B) {
			net := newNetwork(b)
			fra := joinBench(b, net, "fra1")
			fra.begin()
			round := slices.Repeat([]journal.Record{record(strings.Repeat("x", 640))}, n)
			b.SetBytes(int64(n) * 700)
			for b.Loop() {
				if err := fra.Append(round...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCompact appends a whole state of 10,000 records, as of so many incidents, and waits until
// what was before is gone.
func BenchmarkCompact(b *testing.B) {
	net := newNetwork(b)
	fra := joinBench(b, net, "fra1")
	fra.begin()
	whole := slices.Repeat([]journal.Record{record(strings.Repeat("x", 1300))}, 10_000)
	for b.Loop() {
		began := fra.Place()
		if err := fra.Compact(slices.Values(whole)); err != nil && !errors.Is(err, journal.ErrNotDurable) {
			b.Fatal(err)
		}
		for first := uint64(0); first <= began; {
			var err error
			if first, _, err = fra.bus.Stream().Ends(context.Background()); err != nil {
				b.Fatal(err)
			}
			runtime.Gosched()
		}
	}
}
