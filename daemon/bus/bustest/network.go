package bustest

import (
	"sync"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// Network returns a cluster of the servers' that nobody has used, for one test of the suite. Its
// Setup needs the suite's nodes, and so many Clusters.
func (s *Servers) Network(t testing.TB) Network {
	t.Helper()
	i := int(s.used.Add(1)) - 1
	if i >= max(s.setup.Clusters, 1) {
		t.Fatal("the servers were set up for fewer clusters")
	}
	return &realNetwork{servers: s, cluster: clusterName(i), paths: map[string][]*Path{}}
}

// A realNetwork is the servers, with a proxy before each for each connection.
type realNetwork struct {
	servers *Servers
	cluster string

	mu    sync.Mutex
	paths map[string][]*Path // by node
}

// Connect implements Network.
func (n *realNetwork) Connect(t testing.TB, node string) bus.Bus {
	t.Helper()
	o, path := n.servers.through(t, member{n.cluster, node})
	o.Ping = patience / 3 // a server of a busy machine stands still for a while
	n.mu.Lock()
	n.paths[node] = append(n.paths[node], path)
	n.mu.Unlock()
	return connect(t, o)
}

// Cut implements Network.
func (n *realNetwork) Cut(node string) { n.each(node, (*Path).Reset) }

// Heal implements Network.
func (n *realNetwork) Heal(node string) { n.each(node, (*Path).Heal) }

func (n *realNetwork) each(node string, do func(*Path)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, path := range n.paths[node] {
		do(path)
	}
}

// SuiteSetup is a Setup for the whole suite.
func SuiteSetup(servers int, plain bool) Setup {
	return Setup{
		Servers: servers, Clusters: len(suite), Plain: plain,
		Deciding: []string{Decider, Candidate}, Following: []string{Follower},
	}
}
