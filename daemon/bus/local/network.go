// Package local is a bus within one process: for the demonstration, and for tests of everything
// that talks over a bus. It keeps the promises of package bus, loses and delays what it is told to
// lose and delay, and works in the virtual time of testing/synctest.
//
// A Network is what the servers are in real life. Each node connects to it once. A fault
// that is set holds until it is taken away, for what is said from then on.
package local

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A Network connects the nodes of one cluster and keeps their stream. The zero Network is not
// usable; New makes one.
type Network struct {
	mu        sync.Mutex
	listeners []*listener
	answerers []*answerer
	conns     []*connection
	cut       map[string]time.Time // the nodes that are cut off, since when
	lost      map[direction]bool
	share     float64
	rand      *rand.Rand
	latency   time.Duration
	stream    stream

	certificates []bus.Certificate
}

// A direction is the way from one node to another.
type direction struct{ from, to string }

// New returns a network without nodes and without a stream.
func New() *Network {
	n := &Network{cut: map[string]time.Time{}, lost: map[direction]bool{}}
	n.stream.changed = make(chan struct{})
	return n
}

// Cut cuts a node off: its connection is gone, and it knows that at once.
func (n *Network) Cut(node string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, already := n.cut[node]; !already {
		n.cut[node] = time.Now()
	}
	for _, c := range n.conns {
		if c.node == node {
			c.interrupt()
		}
	}
}

// Heal connects a node again, and lets through what CutOneWay kept from it and from others.
func (n *Network) Heal(node string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cut, node)
	for _, c := range n.conns {
		if c.node == node {
			c.since = time.Now()
		}
	}
	for d := range n.lost {
		if d.from == node || d.to == node {
			delete(n.lost, d)
		}
	}
}

// CutOneWay loses everything that one node says to another, which neither of them notices. A node's
// own heartbeats come from itself, too.
func (n *Network) CutOneWay(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost[direction{from, to}] = true
}

// ShowCertificates says what all nodes see of the certificates of the bus.
func (n *Network) ShowCertificates(list ...bus.Certificate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.certificates = list
}

// Lose loses a share of all messages, questions and answers, 0 to 1. What the stream says
// under topic Log can be lost, too; appending and reading are not touched.
func (n *Network) Lose(share float64, source *rand.Rand) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.share, n.rand = share, source
}

// Delay sets how long every message, question, answer and append takes; at first nothing.
func (n *Network) Delay(latency time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.latency = latency
}

// arrives reports whether what one node says now reaches another. The stream speaks as "".
func (n *Network) arrives(from, to string) bool {
	if n.isCut(from) || n.isCut(to) || n.lost[direction{from, to}] {
		return false
	}
	return n.share == 0 || n.rand.Float64() >= n.share
}

func (n *Network) isCut(node string) bool {
	_, cut := n.cut[node]
	return cut
}

// say hands a message to all who listen and whom it reaches.
func (n *Network) say(from string, m bus.Message) {
	due := time.Now().Add(n.latency)
	for _, l := range n.listeners {
		if l.topic.Matches(m.Topic) && n.arrives(from, l.owner.node) {
			l.queue(due, bus.Message{Topic: m.Topic, Data: slices.Clone(m.Data), Seq: m.Seq})
		}
	}
}
