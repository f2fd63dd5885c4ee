package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/imapvigil/imapvigil/daemon/demo"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// nodesDemoTime bounds the demo of several nodes, whatever goes wrong.
const nodesDemoTime = 2 * time.Minute

// A nodesDemonstration is the stage, and the nodes on it.
type nodesDemonstration struct {
	*program
	*demo.NodesStage
	running []*demoNode
	// How many messages have been shown, and the last line of what all see.
	letters, sms int
	last         string
}

// demoNodes plays the demo of several nodes in a temporary directory, which it removes.
func (p *program) demoNodes(interrupted context.Context, n int) (err error) {
	if n < demo.FewestNodes || n > demo.MostNodes {
		return fmt.Errorf("--nodes is from %d to %d", demo.FewestNodes, demo.MostNodes)
	}
	ctx, cancel := context.WithTimeoutCause(interrupted, nodesDemoTime, errors.New("the demo took more than two minutes"))
	defer cancel()
	dir, err := os.MkdirTemp("", "imapvigil-demo-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stage, err := demo.OpenNodes(ctx, dir, n)
	if err != nil {
		return err
	}
	defer stage.Close()
	d := &nodesDemonstration{program: p, NodesStage: stage}
	err = d.script(ctx)
	if interrupted.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C
	}
	return errors.Join(err, d.endAll())
}

// script plays the demo step by step.
func (d *nodesDemonstration) script(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.begin, d.failOnePath, d.mendPath, d.failServer, d.killDecider, d.mendServer,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.printf("\n%s", afterNodes)
	return nil
}

// afterNodes is how the demo of several nodes ends.
const afterNodes = `Nobody got an SMS when one path failed. People got one message that the server
is down, and one that it is well again, although the node that decided was
killed in between. Here the messages came after seconds; by default a failure
must last 3 minutes before anybody is notified.

With machines of your own:

    imapvigil nodes           which nodes there are, and which of them decides

How to set them up: man imapvigil-nodes.
`

// begin starts the nodes and waits until one decides and the server is well.
func (d *nodesDemonstration) begin(ctx context.Context) error {
	d.say(fmt.Sprintf("The configuration, the same on all %d nodes:", len(d.Nodes)))
	d.printf("%s\n", indent(d.Config))
	d.say("The nodes start, each a whole daemon.")
	for _, name := range d.Nodes {
		if err := d.start(ctx, name); err != nil {
			return err
		}
	}
	return d.until(ctx, incident.CheckOK)
}

// failOnePath has one node fail to reach the server, of which nobody is paged.
func (d *nodesDemonstration) failOnePath(ctx context.Context) error {
	name := d.Nodes[0]
	d.say(fmt.Sprintf("A firewall refuses the connections of %s. The server is well.", name))
	d.Block(name)
	if err := d.until(ctx, incident.CheckDegraded); err != nil {
		return err
	}
	return d.tell(ctx, false)
}

func (d *nodesDemonstration) mendPath(ctx context.Context) error {
	d.say(fmt.Sprintf("The firewall lets %s through again.", d.Nodes[0]))
	d.Unblock()
	if err := d.until(ctx, incident.CheckOK); err != nil {
		return err
	}
	return d.tell(ctx, false)
}

func (d *nodesDemonstration) failServer(ctx context.Context) error {
	d.say("The IMAP server stops: nothing listens on its port any more.")
	d.StopServer()
	if err := d.until(ctx, incident.CheckDown); err != nil {
		return err
	}
	return d.tell(ctx, true)
}

// killDecider ends the node that decides, which says nothing more to the others, and waits for another one.
func (d *nodesDemonstration) killDecider(ctx context.Context) error {
	node, err := d.decidingNode(ctx)
	if err != nil {
		return err
	}
	decider := node.name
	d.say(fmt.Sprintf("%s, which decides, is killed. The others get no word of it.", decider))
	killed := time.Now()
	d.Disconnect(decider)
	if err := d.end(node); err != nil {
		return err
	}
	next, err := d.decidingNode(ctx) // the killed one is none of those that run
	if err != nil {
		return err
	}
	took := time.Since(killed)
	if err := d.until(ctx, incident.CheckDown); err != nil {
		return err
	}
	d.printf("\n%s\n", d.fold("  ", fmt.Sprintf("%s decides after %d seconds. It knows of the incident, and that people "+
		"know of it.", next.name, int(took.Round(time.Second).Seconds()))))
	return nil
}

func (d *nodesDemonstration) mendServer(ctx context.Context) error {
	d.say("The IMAP server starts again.")
	if err := d.StartServer(); err != nil {
		return err
	}
	if err := d.until(ctx, incident.CheckOK); err != nil {
		return err
	}
	return d.tell(ctx, true)
}
