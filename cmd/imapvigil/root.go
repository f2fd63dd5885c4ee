package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
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
	screen     *screen       // what people read on; nil: the terminal says
	denied     string        // a path that the caller may not read; empty: none was met
	failCode   int           // what a plain error ends with, if not what failCodes say
	// hours are the last hours of checks, of a status that is watched; nil: none are shown.
	hours map[config.CheckID]*lastHour

	configPath string
	stateDir   string
	control    string
	json       bool
	utc        bool
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "imapvigil",
		Short: "Watch IMAP services, and notify people of incidents",
		Long: "imapvigil watches the IMAP services that HCL files declare, decides when a\n" +
			"failure is an incident, and notifies the right people by email, Slack, SMS or\n" +
			"webhook: promptly, once, and with the cause.",
		Version:       release(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	onlyCommands(root)
	root.PersistentPreRunE = refuseEmpty
	p.hiddenPlaceFlags(root)
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(printUsage)
	root.SetFlagErrorFunc(wrongFlag)
	root.SetVersionTemplate(versionLine())
	root.AddGroup(commandGroups()...)
	root.AddCommand(
		p.runCommand(), p.validateCommand(), p.planCommand(), p.reloadCommand(), p.testCommand(), p.recheckCommand(),
		p.statusCommand(), p.incidentsCommand(), p.ackCommand(), p.unackCommand(), p.noteCommand(), p.silenceCommand(),
		p.deliveriesCommand(), p.historyCommand(), p.reportCommand(), p.notifyTestCommand(), p.journalCommand(), p.demoCommand(),
		p.fmtCommand(), p.importCommand(), p.nodesCommand(), p.initCommand(), p.showCommand(), p.whoCommand(), p.schemaCommand(), p.versionCommand(),
	)
	p.addCompletion(root)
	p.complete(root)
	return root
}

// jsonFlag adds --json where a command has it.
func (p *program) jsonFlag(c *cobra.Command) {
	c.Flags().BoolVarP(&p.json, "json", "j", false, "print JSON, whose keys are stable")
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
	o.Denied = func(path string) string {
		p.denied = path
		return "To read it, " + access.Advice(path) + "."
	}
	o.CredentialsDirectory, o.LookupEnv = p.daemon.CredentialsDirectory, p.daemon.LookupEnv
	return source.Read(path, o)
}

// loadConfig returns the configuration, or prints all that is wrong with it and ends
// with the given code.
func (p *program) loadConfig(code int) (*config.Config, error) {
	return p.loadConfigWith(source.Options{}, code)
}

// loadReadable does what loadConfig does for commands that need no secret, and may be
// used by whoever may read the files and not the credentials.
func (p *program) loadReadable(code int) (*config.Config, error) {
	return p.loadConfigWith(source.Options{NoCredentials: true}, code)
}

func (p *program) loadConfigWith(o source.Options, code int) (*config.Config, error) {
	s, err := p.readSnapshot(p.configPath, o)
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
	var trusts func(uint32) bool
	if socket == "" {
		socket = defaultControl
		// Without --config, a socket in the usual place is the daemon's, and no file is
		// read.
		if _, err := os.Stat(socket); err != nil || cmd.Flags().Changed("config") {
			// Files that somebody else wrote may name a socket of theirs.
			socket, trusts = p.configuredSocket(), access.IsTrusted
		}
	}
	client := api.NewClient(socket)
	client.Trusts = trusts
	return client
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
