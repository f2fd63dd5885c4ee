package local

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// A connection is one node's bus.
type connection struct {
	network *Network
	node    string

	// The following belong to the network's lock.
	since       time.Time
	closed      bool
	interrupted chan struct{} // closed when the connection is cut or closed, then made anew
}

var _ bus.Bus = (*connection)(nil)

// Connect connects a node. A node may connect more than once, as a process that is started again
// does.
func (n *Network) Connect(node string) bus.Bus {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &connection{network: n, node: node, since: time.Now(), interrupted: make(chan struct{})}
	n.conns = append(n.conns, c)
	return c
}

// interrupt ends all waiting for answers. The network is locked.
func (c *connection) interrupt() {
	close(c.interrupted)
	c.interrupted = make(chan struct{})
}

// usable returns why nothing can be said now, and what is closed when that changes. The network is
// locked.
func (c *connection) usable() (interrupted <-chan struct{}, err error) {
	switch {
	case c.closed:
		return nil, bus.ErrClosed
	case c.network.isCut(c.node):
		return nil, bus.ErrCut
	}
	return c.interrupted, nil
}

// Publish implements bus.Bus.
func (c *connection) Publish(to bus.Topic, data []byte) error {
	if len(data) > bus.MaxMessage {
		return bus.ErrTooLarge
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if _, err := c.usable(); err != nil {
		return err
	}
	c.network.say(c.node, bus.Message{Topic: to, Data: data})
	return nil
}

// Listen implements bus.Bus.
func (c *connection) Listen(to bus.Topic, hear func(bus.Message)) (stop func(), err error) {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.closed {
		return nil, bus.ErrClosed
	}
	l := newListener(c, to, hear)
	n.listeners = append(n.listeners, l)
	return sync.OnceFunc(func() {
		if n.removeListener(l) {
			l.stop()
		}
	}), nil
}

// removeListener reports whether it was still there.
func (n *Network) removeListener(l *listener) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.Index(n.listeners, l)
	if i < 0 {
		return false
	}
	n.listeners = slices.Delete(n.listeners, i, i+1)
	return true
}

// Stream implements bus.Bus.
func (c *connection) Stream() bus.Stream { return streamOf{c} }

// Status implements bus.Bus.
func (c *connection) Status() bus.Status {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	s := bus.Status{Connected: true, Since: c.since, Server: "this process", RoundTrip: 2 * n.latency}
	switch at, cut := n.cut[c.node]; {
	case c.closed:
		s.Connected, s.Detail = false, bus.ErrClosed.Error()
	case cut:
		s.Connected, s.Since, s.Detail = false, at, "this node is cut off"
	}
	return s
}

// Certificates implements bus.Bus.
func (c *connection) Certificates() []bus.Certificate {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.certificates)
}

// Close implements bus.Bus.
func (c *connection) Close() {
	n := c.network
	n.mu.Lock()
	if c.closed {
		n.mu.Unlock()
		return
	}
	c.closed = true
	c.interrupt()
	n.conns = slices.DeleteFunc(n.conns, func(other *connection) bool { return other == c })
	var listeners []*listener
	n.listeners = slices.DeleteFunc(n.listeners, func(l *listener) bool {
		if l.owner == c {
			listeners = append(listeners, l)
		}
		return l.owner == c
	})
	var answerers []*answerer
	n.answerers = slices.DeleteFunc(n.answerers, func(a *answerer) bool {
		if a.owner == c {
			answerers = append(answerers, a)
		}
		return a.owner == c
	})
	n.mu.Unlock()
	for _, l := range listeners {
		l.stop()
		defer l.wait()
	}
	for _, a := range answerers {
		a.stop()
	}
}

// Ask implements bus.Bus.
func (c *connection) Ask(ctx context.Context, to bus.Topic, question []byte) ([]byte, error) {
	if len(question) > bus.MaxMessage {
		return nil, bus.ErrTooLarge
	}
	asked, cancel := context.WithCancel(ctx)
	defer cancel()
	answers, interrupted, err := c.question(asked, to, question)
	if err != nil {
		return nil, err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case <-interrupted:
		return nil, bus.ErrCut
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// question asks all who answer to a topic; their answers come out of a channel with room for all.
func (c *connection) question(ctx context.Context, to bus.Topic, question []byte) (<-chan []byte, <-chan struct{}, error) {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	interrupted, err := c.usable()
	if err != nil {
		return nil, nil, err
	}
	answers := make(chan []byte, len(n.answerers))
	anybody := false
	for _, a := range n.answerers {
		if a.topic != to || n.isCut(a.node()) {
			continue
		}
		anybody = true
		if n.arrives(c.node, a.node()) {
			a.ask(ctx, c, slices.Clone(question), answers)
		}
	}
	if !anybody {
		return nil, nil, bus.ErrNobody
	}
	return answers, interrupted, nil
}
