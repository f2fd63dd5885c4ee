package agree_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// 100,000 checks that three nodes each find well: what one observation costs whoever decides, from the packet to
// what the incident machine makes of it, and how much memory all sights take.
func BenchmarkBoard(b *testing.B) {
	const many = 100_000
	cfg := &config.Config{Checks: map[config.CheckID]*config.Check{}}
	for i := range many {
		id := config.CheckID(fmt.Sprintf("mx%d/imaps", i))
		cfg.Checks[id] = &config.Check{
			ID: id, Enabled: true, Quorum: config.Quorum{Nodes: 3, Agree: 2}, Policy: config.Policy{FaultTolerance: 3 * time.Minute},
			Probe: config.Probe{Hostname: fmt.Sprintf("mx%d.example.org", i), Port: 993, Interval: time.Minute, Timeout: 30 * time.Second, RetryInterval: 15 * time.Second},
		}
	}
	now := began
	nodes := []agree.Member{{Node: "fra1", Location: "frankfurt"}, {Node: "lon1", Location: "london"}, {Node: "nyc1", Location: "new-york"}}
	packers := map[string]*agree.Packer{}
	for _, n := range nodes {
		packers[n.Node] = agree.NewPacker(n.Node, began)
	}
	probe := func(node string) (packets [][]byte) {
		for i := range many {
			r := goodResult(i, now)
			packers[node].Add(r, agree.Settings(cfg.Checks[r.Check]), now)
		}
		return packers[node].Flush(now)
	}
	before := heapSize()
	board := agree.NewBoard(began)
	board.Configure(cfg)
	board.SetNodes(nodes)
	packets := map[string][][]byte{}
	next := func() (bytes int) {
		now = now.Add(time.Minute)
		for _, n := range nodes {
			packets[n.Node] = probe(n.Node)
			for _, packet := range packets[n.Node] {
				bytes += len(packet)
			}
		}
		return bytes
	}
	states := map[config.CheckID]incident.State{}
	take := func(decided func(incident.Result)) {
		for _, n := range nodes {
			for _, packet := range packets[n.Node] {
				if err := board.Take(n.Node, packet, now); err != nil {
					b.Fatal(err)
				}
				results, _ := board.Decide(now)
				for i := range results {
					decided(results[i])
				}
			}
		}
	}
	nothing := func(incident.Result) {}
	inFull := next()
	take(nothing)
	next()
	take(nothing) // the last that have much to keep
	clear(packets)
	withSights := heapSize()
	brief := next()
	for _, c := range []struct {
		name    string
		decided func(incident.Result)
	}{
		{"board", nothing},
		{"board and incident", func(r incident.Result) {
			counts, _ := incident.Observe(cfg.Checks[r.Check].Policy, states[r.Check], r)
			states[r.Check] = states[r.Check].WithCounts(counts)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			observations, spent := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				next()
				b.StartTimer()
				began := cpu()
				take(func(r incident.Result) { observations++; c.decided(r) })
				spent += cpu() - began
			}
			b.ReportMetric(float64(spent)/float64(observations), "cpu-ns/observation")
			b.ReportMetric(float64(brief)/3/many, "bytes/brief")
			b.ReportMetric(float64(inFull)/3/many, "bytes/full")
		})
	}
	for name, do := range map[string]func(){"sweep": func() { board.Sweep(now) }, "configure": func() { board.Configure(cfg) }} {
		b.Run(name, func(b *testing.B) {
			began := cpu()
			for b.Loop() {
				do()
			}
			b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
	clear(packers)
	clear(packets)
	clear(states)
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(heapSize()-before)/1e6, "MB/board")
		b.ReportMetric(float64(withSights-before)/1e6, "MB/board+packers")
		runtime.KeepAlive(board)
	})
}

func heapSize() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// goodResult is a probe of a mail server that is well, with an own certificate.
func goodResult(i int, now time.Time) incident.Result {
	host := fmt.Sprintf("mx%d.example.org", i)
	a := incident.Address{
		Node: "fra1", IP: netip.AddrFrom4([4]byte{192, byte(i >> 16), byte(i >> 8), byte(i)}), Port: 993, Health: incident.OK,
		Capabilities: []string{"IMAP4rev1", "SASL-IR", "LOGIN-REFERRALS", "ID", "ENABLE", "IDLE", "LITERAL+", "AUTH=PLAIN", "AUTH=LOGIN"},
		TLS: &incident.TLSInfo{
			Version: "TLS 1.3", Cipher: "TLS_AES_256_GCM_SHA384", Subject: "CN=" + host, Issuer: "CN=R11,O=Let's Encrypt,C=US",
			NotBefore: began, NotAfter: began.Add(90 * 24 * time.Hour), SHA256: fmt.Sprintf("%064x", i), SPKI: fmt.Sprintf("%044d", i), Names: []string{host},
		},
	}
	for phase := range a.Timings {
		a.Timings[phase] = time.Duration(phase+1) * 7 * time.Millisecond
	}
	return incident.Result{
		Check: config.CheckID(fmt.Sprintf("mx%d/imaps", i)), Started: now, Ended: now.Add(80 * time.Millisecond), Target: host + ":993",
		Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionCertificate,
			config.ConditionLatency, config.ConditionCapability, config.ConditionAccount),
		Addresses: []incident.Address{a},
	}
}
