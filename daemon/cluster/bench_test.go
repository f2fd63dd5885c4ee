package cluster_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// BenchmarkTakeOver measures how long it takes from the goodbye of a decider until its successor has
// decided about all checks, which three nodes probe, every tenth of which is down.
func BenchmarkTakeOver(b *testing.B) {
	for _, checks := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(checks), func(b *testing.B) { benchmarkTakeOver(b, checks) })
	}
}

func benchmarkTakeOver(b *testing.B, checks int) {
	cfg := manyPlainChecks(checks)
	net := local.New()
	begin := net.Connect("begin")
	if err := createStream(context.Background(), begin.Stream()); err != nil {
		b.Fatal(err)
	}
	begin.Close()
	ctx, cancel := context.WithCancel(b.Context())
	nodes := map[config.NodeID]*benchNode{}
	for id := range cfg.Cluster.Nodes {
		nodes[id] = startBenchNode(ctx, b, net, id, cfg)
	}
	for _, n := range nodes {
		n.probeAll(ctx, cfg)
	}
	for b.Loop() {
		was := awaitDecider(b, nodes)
		began, cpu := time.Now(), cpuTime(b)
		if err := was.node.StepDown(ctx); err != nil {
			b.Fatal(err)
		}
		now := awaitDecider(b, nodes)
		for !now.decided(ctx, checks) {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/takeover")
		b.ReportMetric((cpuTime(b) - cpu).Seconds(), "cpu-s/takeover")
	}
	cancel()
	for _, n := range nodes {
		<-n.ended
	}
}

// cpuTime returns what this process, in which all the nodes are, has spent.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func manyPlainChecks(n int) *config.Config {
	cfg := &config.Config{
		Checks:  make(map[config.CheckID]*config.Check, n),
		Cluster: &config.Cluster{AloneAfter: time.Hour, Nodes: map[config.NodeID]*config.Node{}},
	}
	for _, name := range []config.NodeID{"fra1", "lon1", "nyc1"} {
		cfg.Cluster.Nodes[name] = &config.Node{ID: name, Location: string(name), Decide: true}
	}
	for i := range n {
		id := config.CheckID(fmt.Sprintf("mx%06d/imaps", i))
		cfg.Checks[id] = &config.Check{
			ID: id, Enabled: true, Quorum: config.Quorum{Nodes: 3, Agree: 2},
			Probe:  config.Probe{Hostname: "mx.example.org", Interval: time.Hour, Timeout: 30 * time.Second, RetryInterval: time.Hour},
			Policy: config.Policy{FaultTolerance: time.Hour, RecoveryTolerance: time.Hour},
		}
	}
	return cfg
}

// A benchNode is a node without senders.
type benchNode struct {
	id    config.NodeID
	node  *cluster.Node
	ended chan struct{}
}

func startBenchNode(ctx context.Context, b *testing.B, net *local.Network, id config.NodeID, cfg *config.Config) *benchNode {
	n := &benchNode{id: id, ended: make(chan struct{})}
	dir := b.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	own, err := tracker.Open(tracker.Options{Journal: j, Sender: outbox.NewSender(nil), Node: string(id)})
	if err != nil {
		b.Fatal(err)
	}
	conn := net.Connect(string(id))
	n.node, err = cluster.New(cluster.Options{
		Node: id, Bus: conn, Dir: filepath.Join(dir, "shared"), Own: own,
		OpenShared: func(j cluster.Journal) (*tracker.Tracker, error) {
			return tracker.Open(tracker.Options{Journal: j, Sender: outbox.NewSender(nil), Node: string(id), Standby: true, Sure: j.Sure})
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	n.node.Configure(cfg)
	go func() {
		defer close(n.ended)
		if err := n.node.Run(ctx); err != nil {
			b.Error(err)
		}
		conn.Close()
		_ = j.Close()
	}()
	return n
}

// probeAll has the node see each check once.
func (n *benchNode) probeAll(ctx context.Context, cfg *config.Config) {
	now := time.Now()
	for id := range cfg.Checks {
		r := incident.Result{
			Check: id, Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService, config.ConditionAddresses, config.ConditionLatency),
		}
		if strings.HasSuffix(string(id), "0/imaps") {
			r.Observed = config.ConditionSet(config.ConditionService)
			r.Findings = []incident.Finding{{Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseConnect, Cause: config.CauseTimeout}}
		}
		n.node.Observe(ctx, r)
	}
}

func awaitDecider(b *testing.B, nodes map[config.NodeID]*benchNode) *benchNode {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, n := range nodes {
			if n.node.Role() == cluster.Deciding {
				return n
			}
		}
	}
	b.Fatal("nobody decides")
	return nil
}

// decided reports whether the node has decided about all checks.
func (n *benchNode) decided(ctx context.Context, checks int) bool {
	s, err := n.node.Tracker().Snapshot(ctx)
	if err != nil {
		return false
	}
	seen := 0
	for c := range s.Checks() {
		if c.Last != nil {
			seen++
		}
	}
	return seen == checks
}
