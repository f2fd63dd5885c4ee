//go:build !quick

package cluster_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// BenchmarkAppendBetweenFarServers measures what an append of 1 kB costs between servers that are far from each
// other, by a node that is near the one that leads the stream, or near another one. It needs root.
func BenchmarkAppendBetweenFarServers(b *testing.B) {
	if !*inside {
		out, err := runInside(b, "-test.run=^$", "-test.bench=^BenchmarkAppendBetweenFarServers$",
			"-test.benchtime="+flag.Lookup("test.benchtime").Value.String())
		fmt.Println(out) // more than benchmarks log
		must(b, err)
		return
	}
	n := newNamespaces(b)
	setup := bustest.Setup{Servers: serversOfRound, Deciding: []string{"fra1"}}
	servers := n.places[len(n.places)-serversOfRound:]
	for _, p := range servers {
		setup.Hosts = append(setup.Hosts, n.host(p.number))
	}
	s := bustest.Start(b, setup)
	must(b, s.Connect(b, "fra1").Stream().Create(b.Context(), 1))
	for _, how := range []slowness{{}, {40 * time.Millisecond, 0, 0}, {40 * time.Millisecond, 10 * time.Millisecond, 0.01}} {
		for _, p := range servers {
			must(b, n.slow.use(p, how, servers))
		}
		for _, near := range []string{"the leader", "another"} {
			b.Run(fmt.Sprintf("%s back and forth, %s more or less, %.0f %% lost, near %s", 2*how.delay, 2*how.jitter, 100*how.loss, near), func(b *testing.B) {
				benchmarkAppend(b, s, near == "the leader")
			})
		}
	}
}

func benchmarkAppend(b *testing.B, s *bustest.Servers, nearLeader bool) {
	at := s.Leader(b)
	if !nearLeader {
		at = (at + 1) % serversOfRound
	}
	options := s.Options(b, "fra1")
	options.Servers, options.Log = []string{s.URL(at)}, nil
	c, err := bus.Connect(context.Background(), options)
	must(b, err)
	defer c.Close()
	bustest.AwaitConnected(b, c)
	_, last, err := c.Stream().Ends(b.Context())
	must(b, err)
	var took []time.Duration
	data := make([]byte, 1000)
	for b.Loop() {
		began := time.Now()
		id := fmt.Sprint("id", last+1)
		for after := last; ; bustest.AwaitConnected(b, c) {
			if last, err = c.Stream().Append(b.Context(), after, id, data); !errors.Is(err, bus.ErrCut) {
				break
			}
		}
		must(b, err)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-slowest")
}
