package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// The places where things are unless somebody says otherwise.
const (
	defaultConfig  = "/etc/imapvigil"
	defaultControl = "/run/imapvigil/control.sock"
)

// A program is one run of the command line.
type program struct {
	in       io.Reader
	out, err io.Writer
	environment
	completion time.Duration // how long a shell waits for a completion; 0: completionPatience
	failCode   int           // what a plain error ends with, if not what failCodes say

	configPath string
	stateDir   string
	control    string
	json       bool
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "imapvigil",
		Short: "Watches IMAP services from plain files",
		Long: "imapvigil watches IMAP services that HCL files declare, decides when a failure\n" +
			"is an incident, and tells the right people: in time, once, with the cause.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&p.configPath, "config", defaultConfig, "configuration, a directory or a file")
	root.PersistentFlags().StringVar(&p.stateDir, "state-dir", "", "state directory (default: the configuration's)")
	root.PersistentFlags().StringVar(&p.control, "control", "", "control socket of the daemon (default: the configuration's)")
	root.SetUsageTemplate(usage(root.UsageTemplate()))
	root.AddCommand(
		p.runCommand(), p.validateCommand(), p.planCommand(), p.reloadCommand(), p.testCommand(), p.recheckCommand(),
		p.statusCommand(), p.incidentsCommand(), p.ackCommand(), p.silenceCommand(),
		p.deliveriesCommand(), p.notifyTestCommand(), p.journalCommand(), p.demoCommand(),
		p.fmtCommand(), p.schemaCommand(), p.versionCommand(),
	)
	p.complete(root)
	return root
}

// usage returns cobra's template, changed so that it fits the screen.
func usage(template string) string {
	return strings.NewReplacer(
		"FlagUsages ", "FlagUsagesWrapped "+strconv.Itoa(screenWidth)+" ",
		` for more information about a command.`, ` for more.`,
	).Replace(template)
}

// jsonFlag adds --json where a command has it.
func (p *program) jsonFlag(c *cobra.Command) {
	c.Flags().BoolVar(&p.json, "json", false, "print JSON, whose keys are stable")
}

// printError prints an error that has not been printed.
func (p *program) printError(err error) {
	var d config.Diagnostic
	if errors.As(err, &d) {
		// A diagnostic has a place in a file, which is shown with it.
		p.printDiagnostics(p.err, []config.Diagnostic{d})
		return
	}
	_, _ = fmt.Fprintf(p.err, "imapvigil: %v\n", err)
}

// readSnapshot takes a snapshot of a configuration, as the daemon would.
func (p *program) readSnapshot(path string, o source.Options) (*source.Snapshot, error) {
	o.CredentialsDirectory, o.LookupEnv = p.daemon.CredentialsDirectory, p.daemon.LookupEnv
	return source.Read(path, o)
}

// loadConfig returns the configuration, or prints all that is wrong with it and ends
// with the given code.
func (p *program) loadConfig(code int) (*config.Config, error) {
	s, err := p.readSnapshot(p.configPath, source.Options{})
	if err != nil {
		p.printError(err)
		return nil, exit(code)
	}
	cfg, diags := hclfile.Load(s)
	if cfg == nil {
		p.printDiagnostics(p.err, diags)
		return nil, exit(code)
	}
	return cfg, nil
}

// client talks to the daemon: on the socket that was named, or on the one that
// the configuration names.
func (p *program) client(cmd *cobra.Command) *api.Client {
	socket := p.control
	if socket == "" {
		socket = defaultControl
		// Without --config, a socket in the usual place is the daemon's, and no file is
		// read.
		if _, err := os.Stat(socket); err != nil || cmd.Flags().Changed("config") {
			socket = p.configuredSocket()
		}
	}
	return api.NewClient(socket)
}

// configuredSocket returns the socket of the configuration, even of one that is in
// error: then most of all people want to know how the daemon is.
func (p *program) configuredSocket() string {
	places, err := p.configuredPlaces()
	if err != nil {
		p.complain("There is no configuration that says where the daemon listens, so it is looked for where it is by default. Name another socket with --control.", err)
		return defaultControl
	}
	return places.Control
}

// configuredPlaces returns where the configuration says that the daemon keeps its things.
func (p *program) configuredPlaces() (config.Daemon, error) {
	s, err := p.readSnapshot(p.configPath, source.Options{NoCredentials: true})
	if err != nil {
		return config.Daemon{}, err
	}
	return hclfile.Places(s), nil
}

// complain says what is amiss, although the command goes on.
func (p *program) complain(text string, err error) {
	_, _ = fmt.Fprintf(p.err, "%s\n", fold("", "imapvigil: "+text))
	p.printError(err)
}
