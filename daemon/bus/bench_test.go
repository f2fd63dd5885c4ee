//go:build !quick

package bus_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// BenchmarkAppend appends 1 kB after the other, each on the disks of most servers.
func BenchmarkAppend(b *testing.B) {
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) {
			setup := three()
			setup.Servers = servers
			s := withStream(b, bustest.Start(b, setup)).Stream()
			data := make([]byte, 1000)
			var took []time.Duration
			after := uint64(0)
			for b.Loop() {
				began := time.Now()
				seq, err := s.Append(context.Background(), after, fmt.Sprint("id", after), data)
				if err != nil {
					b.Fatal(err)
				}
				after = seq
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
		})
	}
}

// BenchmarkRead reads 64 MiB, which is all that a stream holds before it is compacted, near the servers and
// 40 ms away from them.
func BenchmarkRead(b *testing.B) {
	s := bustest.Start(b, three())
	stream := withStream(b, s).Stream()
	const messages = 128
	for after := range uint64(messages) {
		if _, err := stream.Append(context.Background(), after, fmt.Sprint("id", after), make([]byte, bus.MaxMessage)); err != nil {
			b.Fatal(err)
		}
	}
	for _, delay := range []time.Duration{0, 40 * time.Millisecond} {
		b.Run(fmt.Sprintf("delay=%v", delay), func(b *testing.B) {
			o, path := s.Through(b, bustest.Candidate)
			path.Delay(delay)
			reader, err := bus.Connect(context.Background(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer reader.Close()
			bustest.AwaitConnected(b, reader)
			b.SetBytes(messages * bus.MaxMessage)
			for b.Loop() {
				if err := reader.Stream().Read(context.Background(), 1, messages, func(uint64, []byte) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPublish says something of the size of a packet of sights, and waits until it was heard.
func BenchmarkPublish(b *testing.B) {
	s := bustest.Start(b, three())
	node, decider := s.Connect(b, bustest.Follower), s.Connect(b, bustest.Decider)
	heard := make(chan struct{}, bus.MaxWaiting)
	if _, err := decider.Listen(bus.Sights, func(bus.Message) { heard <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	topic := bus.SightsOf(bustest.Follower)
	for said := true; said; {
		if err := node.Publish(topic, nil); err != nil {
			b.Fatal(err)
		}
		select {
		case <-heard:
			said = false
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, size := range []int{20, 1000, 64_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			data := make([]byte, size)
			b.SetBytes(int64(size))
			const under = 64 // so many are under way at once
			sent := 0
			for b.Loop() {
				if err := node.Publish(topic, data); err != nil {
					b.Fatal(err)
				}
				if sent++; sent > under {
					<-heard
				}
			}
			for range min(sent, under) {
				<-heard
			}
		})
	}
}
