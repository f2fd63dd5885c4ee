//go:build !quick

package bus_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// BenchmarkServers measures what three servers spend, all together, on what nodes see: packets of one second of a node
// that finds 1,700 checks well, which is a third of 5,000 observations a second. Their start is in it.
//
//	go test -run '^$' -bench Servers -benchtime 3000x ./daemon/bus
func BenchmarkServers(b *testing.B) {
	const observations, packet = 1700, 1700 * 19
	s := bustest.Start(b, three())
	node, decider := s.Connect(b, bustest.Follower), s.Connect(b, bustest.Decider)
	heard := make(chan struct{}, bus.MaxWaiting)
	if _, err := decider.Listen(bus.Sights, func(bus.Message) { heard <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, packet)
	sent := 0
	for b.Loop() {
		if err := node.Publish(bus.SightsOf(bustest.Follower), data); err != nil {
			b.Fatal(err)
		}
		sent++
		select {
		case <-heard:
		case <-time.After(time.Second): // the first ones, before the servers know who listens
		}
	}
	before := children(b)
	for i := range 3 {
		s.Kill(b, i)
	}
	after := children(b)
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(spent)/float64(sent*observations), "server-cpu-ns/observation")
	b.ReportMetric(float64(after.Maxrss)/1000, "MB-resident")
}

// children returns what the processes spent that this one has started and that have ended.
func children(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		b.Fatal(err)
	}
	return u
}
