package main

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/demo"
)

// A demoNode is one node, a whole daemon.
type demoNode struct {
	name   string
	client *api.Client
	stop   context.CancelFunc
	ended  chan error // holds what its end was
}

// endAll ends all nodes, and returns when they have ended.
func (d *nodesDemonstration) endAll() (err error) {
	for _, n := range d.running {
		n.stop()
	}
	for len(d.running) > 0 {
		err = errors.Join(err, d.end(d.running[0]))
	}
	return err
}

// settle waits until no message is under way: the journal has that they were delivered. What is
// under way when a node is killed may be sent twice.
func (d *nodesDemonstration) settle(ctx context.Context) error {
	for {
		node, err := d.decidingNode(ctx)
		if err != nil {
			return err
		}
		s, err := node.client.Status(ctx)
		if err != nil || s.Notifications.Queued == 0 {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// start starts a node, and returns when it is ready.
func (d *nodesDemonstration) start(ctx context.Context, name string) error {
	// What ends all, ends each in good order, by end.
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	n := &demoNode{name: name, client: api.NewClient(d.NodeControl(name)), stop: stop, ended: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		n.ended <- daemon.Run(own, daemon.Options{
			Environment: d.daemon, ConfigPath: d.ConfigPath, StateDir: d.NodeState(name), Control: d.NodeControl(name),
			Node: name, Version: release(), Log: zap.NewNop(), Rates: demo.Rates, Listen: new(string),
			Connect: d.Connect, Dial: d.Dialer(name), Ready: func() { close(ready) },
		})
	}()
	select {
	case <-ready:
		d.running = append(d.running, n)
		return nil
	case err := <-n.ended:
		stop()
		return err
	}
}

// end ends a node, and returns when it has ended.
func (d *nodesDemonstration) end(n *demoNode) error {
	d.running = slices.DeleteFunc(d.running, func(other *demoNode) bool { return other == n })
	n.stop()
	return <-n.ended
}

// decider returns the node that decides, as the last one knows it; empty: it hears none.
func (d *nodesDemonstration) decider(ctx context.Context) (string, error) {
	s, err := d.running[len(d.running)-1].client.Status(ctx)
	if err != nil || s.Node == nil {
		return "", err
	}
	return s.Node.Decider, nil
}

// decidingNode returns the node that decides.
func (d *nodesDemonstration) decidingNode(ctx context.Context) (*demoNode, error) {
	for {
		name, err := d.decider(ctx)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(d.running, func(n *demoNode) bool { return n.name == name }); i >= 0 {
			return d.running[i], nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}
