package cluster

import (
	"context"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// listen begins to listen to what all nodes may hear, and to answer.
func (n *Node) listen() (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, one := range stops {
			one()
		}
	}
	for topic, hear := range map[bus.Topic]func(bus.Message){
		bus.Beat: n.hearBeat, bus.Wake: n.hearWakes, bus.Log: func(m bus.Message) { n.copy.Heard(m.Seq, m.Data) },
	} {
		one, err := n.Bus.Listen(topic, hear)
		if err != nil {
			return stop, err
		}
		stops = append(stops, one)
	}
	one, err := n.Bus.Answer(bus.Node(string(n.Node)), func(ctx context.Context, q bus.Question) []byte {
		return n.answer(ctx, n.askerOf(q), q.Data)
	})
	if err == nil {
		stops = append(stops, one)
	}
	return stop, err
}

// A heartbeatListener listens to heartbeats. A node that may not decide is allowed to hear its own
// only, and a reload changes who may.
type heartbeatListener struct {
	node  *Node
	topic bus.Topic
	stop  func()
	fails bool // it could not listen the last time
}

// follow listens to the heartbeats that this node may hear now.
func (l *heartbeatListener) follow() {
	topic := bus.Heartbeat(string(l.node.Node))
	if l.node.mayDecideNow() {
		topic = bus.Heartbeats
	}
	if topic == l.topic {
		return
	}
	l.end()
	stop, err := l.node.Bus.Listen(topic, l.node.hearHeartbeat)
	if err != nil && !l.fails {
		l.node.Log.Error("this node cannot find out whether other nodes run", zap.Error(err))
	}
	if l.fails = err != nil; l.fails {
		return // and tries again
	}
	l.topic, l.stop = topic, stop
}

// end ends it.
func (l *heartbeatListener) end() {
	if l.stop != nil {
		l.stop()
	}
	l.topic, l.stop = "", nil
}

// hearWakes has the checks probed at once that others want to know of.
func (n *Node) hearWakes(m bus.Message) {
	list, err := parseWakes(m.Data)
	if err != nil {
		n.Log.Warn("what is to be probed at once cannot be read", zap.Error(err))
		return
	}
	for _, w := range list {
		n.probeIfNamed(w)
	}
}
