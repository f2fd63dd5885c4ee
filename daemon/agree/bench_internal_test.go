package agree

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
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
	before := heapSize()
	board := NewBoard(epoch)
	board.Configure(cfg)
	board.SetNodes([]Member{{Node: "fra1", Location: "frankfurt"}, {Node: "lon1", Location: "london"}, {Node: "nyc1", Location: "new-york"}})
	now := epoch.Add(time.Minute)
	take := func(node string, packets [][]byte, decided func(incident.Result)) {
		for _, packet := range packets {
			if err := board.Take(node, packet, now); err != nil {
				b.Fatal(err)
			}
			results, _ := board.Decide(now)
			for i := range results {
				decided(results[i])
			}
		}
	}
	size := 0
	for _, n := range board.nodes {
		packer := NewPacker(n.Node, epoch)
		for i := range many {
			r := goodResult(i, now)
			packer.Add(r, Settings(cfg.Checks[r.Check]), now)
		}
		packets := packer.Flush(now)
		for _, packet := range packets {
			size += len(packet)
		}
		take(n.Node, packets, func(incident.Result) {})
	}
	states := map[config.CheckID]incident.State{}
	for name, decided := range map[string]func(incident.Result){
		"board": func(incident.Result) {},
		"board and incident": func(r incident.Result) {
			counts, _ := incident.Observe(cfg.Checks[r.Check].Policy, states[r.Check], r)
			states[r.Check] = states[r.Check].WithCounts(counts)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			observations, spent := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				now = now.Add(time.Minute)
				var packets [3][][]byte
				for i := range board.nodes {
					packets[i] = briefs(board, i, now)
				}
				b.StartTimer()
				began := cpu()
				for i, n := range board.nodes {
					take(n.Node, packets[i], func(r incident.Result) { observations++; decided(r) })
				}
				spent += cpu() - began
			}
			b.ReportMetric(float64(spent)/float64(observations), "cpu-ns/observation")
			b.ReportMetric(float64(b.N*3*many)/float64(observations), "sights/result")
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
	clear(states)
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(heapSize()-before)/1e6, "MB")
		b.ReportMetric(float64(size)/3/many, "bytes/full")
		runtime.KeepAlive(board)
	})
}

// briefs makes packets of a node that finds all checks well, without a Packer, whose memory is none of the board's.
func briefs(board *Board, node int, now time.Time) (packets [][]byte) {
	for rest := board.sorted; len(rest) > 0; {
		part := rest[:min(3000, len(rest))]
		rest = rest[len(part):]
		var w writer
		w.byte(packetVersion)
		w.uint64(board.nodes[node].life)
		w.age(now.Sub(epoch))
		w.count(len(part))
		for _, e := range part {
			w.brief(brief{
				check: hashOf(e.id), settings: e.settings, version: 1, observed: ofProbes,
				age: 700 * time.Millisecond, lasted: 80 * time.Millisecond, took: 78 * time.Millisecond,
			})
		}
		packets = append(packets, w.data)
	}
	return packets
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
			NotBefore: epoch, NotAfter: epoch.Add(90 * 24 * time.Hour), SHA256: fmt.Sprintf("%064x", i), SPKI: fmt.Sprintf("%044d", i), Names: []string{host},
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

// BenchmarkBandwidth has a node find 600 checks well each minute for a day, and counts what it sends: at 5,000
// observations a second, which is 100,000 checks of three nodes.
func BenchmarkBandwidth(b *testing.B) {
	const many, minutes = 600, 24 * 60
	for b.Loop() {
		p, size := NewPacker("fra1", epoch), 0
		for minute := range minutes {
			for i := range many {
				now := epoch.Add(time.Duration(minute)*time.Minute + time.Duration(i)*time.Minute/many)
				p.Add(goodResult(i, now), 1, now)
				if i%(many/60) == 0 { // each second
					size += sizeOf(p.Flush(now))
				}
			}
		}
		b.ReportMetric(float64(size)/(many*minutes), "bytes/observation")
		b.ReportMetric(float64(size)/(many*minutes)*5000/1000, "kB/s")
	}
}

func sizeOf(packets [][]byte) (n int) {
	for _, packet := range packets {
		n += len(packet)
	}
	return n
}
