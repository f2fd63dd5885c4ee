package config

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A NodeID is the name of a node: the machine's host name, or what the command line says.
type NodeID string

// A Cluster is several machines that run imapvigil with the same files. Each of them is a node,
// probes its share of the checks, and one of them decides for all. A Config without one is that
// of a single machine.
type Cluster struct {
	// Name is part of each subject, so that several installations can share one NATS.
	Name string
	// Servers are URLs: tls:// or wss://, or nats:// to this machine itself.
	Servers []string
	CA      Blob // PEM, instead of the system's roots
	// One of Key, Credentials and Cert with CertKey says who this node is.
	Key         opaque.Secret // the seed of an nkey
	Credentials opaque.Secret // a JWT and its seed, in the form of a .creds file
	Cert        Blob          // PEM of a client certificate
	CertKey     opaque.Secret // PEM of its key
	// AloneAfter is how long a node hears no decider before it decides for itself.
	AloneAfter time.Duration
	Nodes      map[NodeID]*Node
	Pos        Pos
}

// NeedsRestart names the attributes in which two clusters differ and that come into effect with a
// restart only, under the names of the language; "cluster" where one of them is nil. All else,
// such as nodes that come and go, is in effect at once.
func (c *Cluster) NeedsRestart(other *Cluster) (names []string) {
	if c == nil || other == nil {
		if c != other {
			return []string{"cluster"}
		}
		return nil
	}
	for _, a := range []struct {
		name string
		same bool
	}{
		{"servers", slices.Equal(c.Servers, other.Servers)},
		{"name", c.Name == other.Name},
		{"ca_file", c.CA == other.CA},
		{"key", c.Key == other.Key},
		{"credentials", c.Credentials == other.Credentials},
		{"cert_file", c.Cert == other.Cert},
		{"key_file", c.CertKey == other.CertKey},
	} {
		if !a.same {
			names = append(names, a.name)
		}
	}
	return names
}

// A Node is one machine of a cluster.
type Node struct {
	ID       NodeID
	Location string // of several nodes in one place only the first is asked, as long as there are others
	Key      string // the public half of its nkey; empty: another way of login
	// Decide says that the node may decide for all, and for itself when it hears nobody. One
	// that does not needs no credentials of notifiers.
	Decide bool
	Pos    Pos
}

// SortedNodes lists the nodes by name.
func (c *Cluster) SortedNodes() []*Node {
	nodes := make([]*Node, 0, len(c.Nodes))
	for _, n := range c.Nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *Node) int { return cmp.Compare(a.ID, b.ID) })
	return nodes
}

// Locations lists where the nodes are, sorted, each once.
func (c *Cluster) Locations() []string {
	places := make([]string, 0, len(c.Nodes))
	for _, n := range c.Nodes {
		places = append(places, n.Location)
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// NodesFor returns how many nodes may probe a check.
func (c *Cluster) NodesFor(q Quorum) (n int) {
	for _, node := range c.Nodes {
		if q.In(node.Location) {
			n++
		}
	}
	return n
}

// A Quorum is how many nodes probe a check, and how many of them have to agree. The zero Quorum
// is that of a single machine.
type Quorum struct {
	Nodes     int      // so many probe it
	Agree     int      // so many have to see it fail
	Locations []string // where these may be; empty: anywhere
}

// In reports whether a node at a location may probe the check.
func (q Quorum) In(location string) bool {
	return len(q.Locations) == 0 || slices.Contains(q.Locations, location)
}

// DefaultNodes is how many nodes probe a check where it does not say so; all, if there are fewer.
const DefaultNodes = 3

// FillDefaults sets what is not set yet and depends on the cluster; without one the Quorum stays
// that of a single machine.
func (q *Quorum) FillDefaults(c *Cluster) {
	if c == nil {
		return
	}
	if q.Nodes == 0 {
		q.Nodes = min(DefaultNodes, c.NodesFor(*q))
	}
	if q.Agree == 0 {
		q.Agree = q.Nodes/2 + 1 // the majority
	}
}
