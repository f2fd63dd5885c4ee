package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/api"
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

// A demoNode is one node, a whole daemon.
type demoNode struct {
	name   string
	client *api.Client
	stop   context.CancelFunc
	ended  chan error // holds what its end was
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

// killDecider ends the node that decides, which says nothing more, and waits for another one.
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
	d.printf("\n%s\n", d.fold("  ", fmt.Sprintf("%s decides after %d seconds. It knows of the incident, and that people know of it.", next.name, int(took.Round(time.Second).Seconds()))))
	return nil
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

// until prints what all nodes together see each time it changes, and returns when a node decides and
// every check is in the wanted state.
func (d *nodesDemonstration) until(ctx context.Context, want incident.CheckState) error {
	for {
		s, err := d.running[len(d.running)-1].client.Status(ctx)
		if err != nil {
			return err
		}
		line, reached := nodesLine(s, want)
		if line != d.last {
			d.printf("%s\n", foldHangingTo(d.screenOf(d.out).width, "  "+time.Now().Format("15:04:05")+"  ", spaces(12), line))
			d.last = line
		}
		if reached {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits a moment, or until ctx ends.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(200 * time.Millisecond):
		return nil
	}
}

// nodesLine returns who decides and what the nodes see in one line, and whether all is as wanted.
func nodesLine(s api.Status, want incident.CheckState) (line string, reached bool) {
	if s.Node == nil || s.Node.Decider == "" {
		return "No node decides yet.", false
	}
	reached = len(s.Checks) > 0
	parts := []string{s.Node.Decider + " decides"}
	for _, c := range s.Checks {
		text := fmt.Sprintf("%s is %s", c.ID, c.State)
		switch {
		case c.State == incident.CheckRecovering:
		case c.From != "":
			text += ", seen from " + c.From
		}
		parts = append(parts, text)
		reached = reached && c.State == want
	}
	return strings.Join(parts, "; "), reached
}

// tell prints the messages that people get now, and sees that there are no others.
func (d *nodesDemonstration) tell(ctx context.Context, paged bool) error {
	d.letters++
	letter, err := d.Letter(ctx, d.letters)
	if err != nil {
		return err
	}
	messages := []demo.Message{letter}
	if paged {
		d.sms++
		sms, err := d.SMS(ctx, d.sms)
		if err != nil {
			return err
		}
		messages = append(messages, sms)
	}
	for _, m := range messages {
		d.printf("\n  ---- %s ----\n", m.To)
		for line := range strings.Lines(strings.TrimSpace(m.Text)) {
			d.printf("%s\n", foldMessageLine(d.screenOf(d.out).width, strings.TrimSpace(line)))
		}
	}
	if !paged {
		d.printf("\n  Nobody gets an SMS, which is sent only of what is down.\n")
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	if letters, sms := d.Arrived(); letters != d.letters || sms != d.sms {
		return fmt.Errorf("%d emails and %d SMS were sent, and not %d and %d", letters, sms, d.letters, d.sms)
	}
	return nil
}

// messageTitle is what a line of a message begins with that has a title and a value.
var messageTitle = regexp.MustCompile(`^[A-Z][A-Za-z ]*: +`)

// foldMessageLine indents a line of a message, and folds it where it does not fit the screen.
func foldMessageLine(width int, line string) string {
	if line == "" {
		return ""
	}
	title := messageTitle.FindString(line)
	return foldHangingTo(width, "    "+title, spaces(4+len(title)), line[len(title):])
}
