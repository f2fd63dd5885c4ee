package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/demo"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) demoCommand() *cobra.Command {
	var page bool
	var nodes int
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show an alarm and a recovery; nothing has to be installed",
		Long: "The real daemon, in a temporary directory, watches an IMAP server that is part\n" +
			"of the demo, fails and recovers. Every message is printed as it arrives. With\n" +
			"--page the status page is open meanwhile, on loopback, and a server fails and\n" +
			"recovers again and again until the demo is interrupted (Ctrl-C). With --nodes 3\n" +
			"three nodes in this process watch one server: the path of one node fails, then\n" +
			"the server, and the node that decides is killed. That takes about a minute.",
		Example: examples(
			"Watch it", "imapvigil demo",
			"Watch it, and keep what was printed", "imapvigil demo | tee demo.txt",
			"Watch it in a browser", "imapvigil demo --page",
			"Watch three nodes, of which one is killed", "imapvigil demo --nodes 3",
		),
		GroupID:     groupStart,
		Annotations: exitCodes("shown", "an error"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			severalNodes := cmd.Flags().Changed("nodes")
			switch {
			case page && severalNodes:
				return errors.New("--page and --nodes are two demos: give one of them")
			case severalNodes:
				return p.demoNodes(cmd.Context(), nodes)
			case page:
				return p.demoPage(cmd.Context())
			}
			return p.demo(cmd.Context())
		},
	}
	c.Flags().BoolVar(&page, "page", false, "open the status page on loopback, until Ctrl-C")
	c.Flags().IntVar(&nodes, "nodes", 0, "show that many nodes, 2 to 5, which watch one server together")
	return c
}

// whatNext is how the demo ends.
const whatNext = `That was an alarm and a recovery. Here the messages came after seconds; by
default a failure must last 3 minutes before anybody is notified.

And now, with servers of your own:

    imapvigil test --host imap.example.org    probe one; nothing is written
    sudo imapvigil init                       write a first configuration
    sudo imapvigil notify-test postmaster     would you be reached?
    imapvigil status                          the servers, at any time

How to install it: README.md, "Install". More: man imapvigil-howto.
`

// demoTime bounds the demo, whatever goes wrong.
const demoTime = time.Minute

// A demonstration is the stage, and the daemon on it.
type demonstration struct {
	*program
	*demo.Stage
	client *api.Client
}

// demo plays the demo in a temporary directory, which it removes.
func (p *program) demo(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime, errors.New("the demo took more than a minute"))
	defer cancel()
	return p.onStage(demo.Open, func(d *demonstration, state string) error {
		return d.play(ctx, state, d.script)
	})
}

// onStage opens a stage in a temporary directory, which it removes, and has a demo played on it.
func (p *program) onStage(open func(dir string) (*demo.Stage, error), play func(d *demonstration, stateDir string) error) (err error) {
	dir, err := os.MkdirTemp("", "imapvigil-demo-")
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stage, err := open(dir)
	if err != nil {
		return err
	}
	defer stage.Close()
	return play(&demonstration{p, stage, api.NewClient(stage.Control)}, filepath.Join(dir, "state"))
}

// play runs the daemon beside a script, and ends it when the script is over.
func (d *demonstration) play(ctx context.Context, stateDir string, script func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ready := make(chan struct{})
	ended := make(chan error, 1)
	listen := new(string) // no status page, unless the configuration has one
	if d.PageURL != "" {
		listen = nil
	}
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Environment: d.daemon, ConfigPath: d.ConfigPath, StateDir: stateDir,
			Control: d.Control, Version: release(), Log: zap.NewNop(),
			Rates: demo.Rates, Listen: listen, Ready: func() { close(ready) },
		})
	}()
	// A daemon whose start fails is never ready.
	select {
	case <-ready:
	case err := <-ended:
		return err
	}
	err := script(ctx)
	stop()
	return errors.Join(err, <-ended)
}

func (d *demonstration) script(ctx context.Context) error {
	d.say("The configuration, which would be a file in /etc/imapvigil:")
	d.printf("%s\n", indent(d.Config))
	d.say("The daemon runs. Its first probes:")
	if err := d.until(ctx, incident.CheckOK); err != nil {
		return err
	}
	d.say("The IMAP server stops: nothing listens on its port any more.")
	d.StopServer()
	if err := d.until(ctx, incident.CheckDown); err != nil {
		return err
	}
	d.showMessages(ctx, 1)
	d.say("The IMAP server starts again.")
	if err := d.StartServer(); err != nil {
		return err
	}
	if err := d.until(ctx, incident.CheckOK); err != nil {
		return err
	}
	d.showMessages(ctx, 2)
	d.say("The incident afterwards (imapvigil incidents):")
	list, err := d.client.Incidents(ctx)
	if err != nil {
		return err
	}
	d.printIncidents(list.Incidents)
	d.printf("\n%s", whatNext)
	// Messages leaves out what has not come when the time is over, so this says it.
	return context.Cause(ctx)
}

// showMessages prints the nth message of each receiver.
func (d *demonstration) showMessages(ctx context.Context, n int) {
	for _, m := range d.Messages(ctx, n) {
		d.printf("  ---- %s ----\n%s\n\n", m.To, indent(m.Text))
	}
}

// say prints what happens now.
func (p *program) say(text string) {
	p.printf("\n%s  %s\n\n", time.Now().Format("15:04:05"), text)
}

// until prints the status each time it changes, and returns when every check is in the
// wanted state.
func (d *demonstration) until(ctx context.Context, want incident.CheckState) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	last := ""
	for {
		s, err := d.client.Status(ctx)
		if err != nil {
			return err
		}
		line, reached := demoLine(s, want)
		if line != last {
			d.printf("  %s  %s\n", time.Now().Format("15:04:05"), line)
			last = line
		}
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// demoLine returns the states of all checks in one line, and whether all are as wanted.
func demoLine(s api.Status, want incident.CheckState) (line string, reached bool) {
	reached = len(s.Checks) > 0
	var parts []string
	for _, c := range s.Checks {
		text := fmt.Sprintf("%s is %s", c.ID, c.State)
		if c.Cause != "" && c.State != incident.CheckOK {
			text += " (" + c.Phase + " " + c.Cause + ")"
		}
		parts = append(parts, text)
		reached = reached && c.State == want
	}
	return strings.Join(parts, ", "), reached
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
