package advice

import (
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

// fewestServers is the smallest number of NATS servers of which one may fail. A write counts when more
// than half of the servers have it: with two servers, both must have it.
const fewestServers = 3

// warnOfCluster finds clusters in which the end of one machine is the end of more.
func (a *adviser) warnOfCluster() {
	c := a.config.Cluster
	if c == nil {
		return
	}
	nodes := c.SortedNodes()
	deciders := slices.DeleteFunc(slices.Clone(nodes), func(n *config.Node) bool { return !n.Decide })
	switch {
	case len(nodes) == 1:
		a.warn(ruleFewNodes, c.Pos, "node %q is the only one: it needs a server for what one machine does without any. Add nodes, best three in different locations, or remove the cluster block and the node.", nodes[0].ID)
	case len(deciders) == 1:
		a.warn(ruleOneDecider, deciders[0].Pos, "Only this node may decide. If it fails, nobody can take over, and nobody is notified. Remove decide = false from other nodes.")
	}
	switch len(c.Servers) {
	case 1:
		a.warn(ruleFewServers, c.Pos, "There is 1 server, and the end of that machine leaves every node alone: each that may decide does so for itself. Use %d servers on different machines.", fewestServers)
	case 2:
		a.warn(ruleFewServers, c.Pos, "There are 2 servers, and most of them, which is both, have to keep what is decided. If one fails, the end of that machine leaves every node alone: each that may decide does so for itself. Use %d servers on different machines.", fewestServers)
	}
	if a.written.HeartbeatOfMachine {
		a.warn(ruleHeartbeat, a.written.Daemon, "heartbeat_url reads the environment, so it may be another URL on each machine. It is asked by the node that decides only, and by a node that is alone: the others would be missed. Use one URL for all nodes.")
	}
}
