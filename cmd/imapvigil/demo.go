package main

import (
	"context"
	_ "embed"
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
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

//go:embed demo.hcl
var demoConfig string

func (p *program) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole loop in half a minute, with nothing installed",
		Long: "The real daemon, on a temporary directory, watches an IMAP server that is part\n" +
			"of the demo, fails and recovers. What is sent is printed as it arrives.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context()) },
	}
}

// demoTime bounds the demo, whatever goes wrong.
const demoTime = time.Minute

// A demo is the stage: the server that fails, the receivers, and the daemon.
type demo struct {
	*program
	dir       string
	server    *imaptest.Memory
	receivers *receivers
	client    *api.Client
}

func (p *program) demo(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime, errors.New("the demo took more than a minute"))
	defer cancel()
	d := &demo{program: p}
	if d.dir, err = os.MkdirTemp("", "imapvigil-demo-"); err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	if err := d.stage(); err != nil {
		return err
	}
	defer d.server.Close()
	defer d.receivers.close()
	return d.play(ctx)
}

// stage starts what stands for the world outside, and writes the configuration.
func (d *demo) stage() error {
	authority := ca.New()
	certificate := authority.Issue(ca.Leaf{})
	if err := authority.WriteFile(filepath.Join(d.dir, "ca.pem")); err != nil {
		return err
	}
	var err error
	if d.server, err = imaptest.StartMemory(imaptest.MemoryOptions{Certificate: certificate}); err != nil {
		return fmt.Errorf("starting the IMAP server: %w", err)
	}
	if d.receivers, err = newReceivers(certificate); err != nil {
		d.server.Close()
		return err
	}
	text := strings.NewReplacer(
		"@IMAP_PORT@", fmt.Sprint(d.server.Addr().Port()),
		"@SMTP_PORT@", fmt.Sprint(d.receivers.mail.Port()),
		"@SMS_URL@", d.receivers.sms.URL(),
		"@WEBHOOK_URL@", d.receivers.hook.URL(),
		"@SLACK_URL@", d.receivers.slack.URL()+"/",
		"@DIR@", d.dir,
	).Replace(demoConfig)
	if err := os.WriteFile(filepath.Join(d.dir, "demo.hcl"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	d.client = api.NewClient(filepath.Join(d.dir, "control.sock"))
	return nil
}

// play runs the daemon beside the script, and ends it when the script is over.
func (d *demo) play(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ready := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Environment: d.daemon, ConfigPath: filepath.Join(d.dir, "demo.hcl"), StateDir: filepath.Join(d.dir, "state"),
			Control: filepath.Join(d.dir, "control.sock"), Version: release(), Log: zap.NewNop(),
			Rates: demoRates, Ready: func() { close(ready) },
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		return err
	}
	err := d.script(ctx)
	stop()
	return errors.Join(err, <-ended)
}

func (d *demo) script(ctx context.Context) error {
	d.say("The configuration, which you would write to /etc/imapvigil:")
	d.printf("%s\n", indent(d.shownConfig()))
	steps := []struct {
		says string
		do   func()
		want incident.CheckState // to wait for
	}{
		{"The daemon runs. Its first probes:", func() {}, incident.CheckOK},
		{"The IMAP server stops: nothing listens on its port any more.", d.server.Refuse, incident.CheckDown},
		{"", d.receivers.await(ctx, d.program, 1), ""},
		{"The IMAP server starts again.", func() { _ = d.server.Serve() }, incident.CheckOK},
		{"", d.receivers.await(ctx, d.program, 2), ""},
	}
	for _, s := range steps {
		if s.says != "" {
			d.say(s.says)
		}
		s.do()
		if s.want == "" {
			continue
		}
		if err := d.until(ctx, s.want); err != nil {
			return err
		}
	}
	d.say("What is kept of it (imapvigil incidents):")
	list, err := d.client.Incidents(ctx)
	if err != nil {
		return err
	}
	d.printIncidents(list.Incidents)
	d.printf("\nThat was the whole loop. Messages came after seconds here; by default a failure\n" +
		"must last 3 minutes before anybody is told.\n")
	return context.Cause(ctx)
}

// shownConfig is the configuration without what only the demo needs.
func (d *demo) shownConfig() string {
	source, err := os.ReadFile(filepath.Join(d.dir, "demo.hcl"))
	if err != nil {
		return ""
	}
	return string(source)
}

func (d *demo) say(text string) {
	d.printf("\n%s  %s\n\n", time.Now().Format("15:04:05"), text)
}

// until shows the status each time it changes, until every check is in the
// wanted state.
func (d *demo) until(ctx context.Context, want incident.CheckState) error {
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
