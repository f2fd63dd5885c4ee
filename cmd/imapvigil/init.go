package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/atomicfile"
	"github.com/imapvigil/imapvigil/config/firstfile"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
)

// initOptions are the flags of init.
type initOptions struct {
	host, security   string
	to               []string
	relay            relayOptions
	passwordFile     string
	output           string
	force, untested  bool
	chosen, password string
}

func (p *program) initCommand() *cobra.Command {
	var o initOptions
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration: server, recipient, mail relay",
		Long: "Ask for an IMAP server, a recipient and a mail relay, test both, and write a\n" +
			"configuration. What a flag says is not asked; with --host, --to and --relay\n" +
			"nothing is. The server is probed as imapvigil test does. The relay is asked\n" +
			"whether it takes messages for the recipient; no message is sent.",
		Example: examples(
			"Answer a few questions", "sudo imapvigil init",
			"Without questions, with the mail server of this machine", "imapvigil init --host imap.example.org --to ops@example.org --relay localhost",
			"With a relay that wants a password", "sudo imapvigil init --relay smtp.example.net --relay-user alerts",
			"Look at the file first", "imapvigil init --output -",
		),
		GroupID:     groupStart,
		Annotations: exitCodes("written", "not written: a test failed, or there is a configuration already"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.chosen = o.output
			return p.initialise(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.host, "host", "", "the IMAP server to watch: a host, or host:port (default port: 993 and 143)")
	f.StringVar(&o.security, "security", "", `"tls", "starttls" or "none" (default: that of the port)`)
	f.StringSliceVar(&o.to, "to", nil, "who is notified: an email address, or several with commas")
	f.StringVar(&o.relay.address, "relay", "", "the mail server that takes the messages: a host, or host:port (default port: localhost 25, others 587)")
	f.StringVar(&o.relay.security, "relay-security", "", "as notifier \"email\" has it (default: the best that the relay offers)")
	f.StringVar(&o.relay.username, "relay-user", "", "the account at the relay, if it wants one")
	f.StringVar(&o.passwordFile, "relay-password-file", "", "a file with the password of that account")
	f.StringVar(&o.relay.from, "from", "", "the sender of the messages (default: imapvigil at the recipient's domain)")
	f.StringVarP(&o.output, "output", "o", "", "the file to write, or - for standard output (default: imapvigil.hcl in --config)")
	f.BoolVar(&o.force, "force", false, "overwrite a file that has a configuration in it")
	f.BoolVar(&o.untested, "no-test", false, "write the file without testing server and relay")
	p.placeFlags(c, configFlag)
	return c
}

// errNotWritten ends init after everything has been said.
var errNotWritten = exit(1)

func (p *program) initialise(ctx context.Context, o initOptions) error {
	ask, err := p.questions(o)
	if err != nil {
		return err
	}
	if o.output == "" {
		o.output = filepath.Join(p.configPath, "imapvigil.hcl")
	}
	if err := o.mayWrite(); err != nil {
		return err // before anything is asked
	}
	if len(o.to) > 0 {
		if err := o.checkRecipients(); err != nil {
			return err // before anything is tested
		}
	}
	if o.output == "-" { // what is said must not be in the file
		saved := p.out
		p.out = p.err
		defer func() { p.out = saved }()
	}
	a := firstfile.Answers{}
	if err := p.initServer(ctx, ask, &o, &a); err != nil {
		return err
	}
	if err := p.initRelay(ctx, ask, &o, &a); err != nil {
		return err
	}
	text, err := firstfile.Write(a)
	if err != nil {
		return err
	}
	if _, diags := hclfile.Load(newSnapshot(text)); config.HasErrors(diags) {
		p.printDiagnostics(p.err, diags)
		return errNotWritten
	}
	if o.output == "-" {
		_, err := ask.stdout.Write(text)
		return err
	}
	if ask.terminal && !ask.askYesOrNo(fmt.Sprintf("Write %s?", o.output)) {
		p.printf("Nothing was written.\n")
		return errNotWritten
	}
	return p.writeFirstFile(o, a, text)
}

// newSnapshot returns a snapshot of a text that lies nowhere, without credentials.
func newSnapshot(text []byte) *source.Snapshot {
	return source.Restored("the file", "/nowhere", []source.File{{Name: "the file", Text: text}}, nil, source.Options{NoCredentials: true})
}

// mayWrite returns an error where the file holds a configuration that is not to be lost.
// One of comments alone, as the package installs it, declares nothing.
func (o initOptions) mayWrite() error {
	if o.output == "-" {
		return nil
	}
	directory := filepath.Dir(o.output)
	const writing = 2 // W_OK
	switch err := syscall.Access(directory, writing); {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no directory %s: create it, or name another file with --output", directory)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s is not yours to write in: use sudo, or name another file with --output", directory)
	}
	text, err := os.ReadFile(o.output)
	switch {
	case errors.Is(err, os.ErrNotExist) || o.force:
		return nil
	case err != nil:
		return err
	case onlyComments(text):
		return nil
	}
	return fmt.Errorf("there is a configuration in %s already: write another file with --output, or overwrite it with --force", o.output)
}

func onlyComments(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("//")) {
			return false
		}
	}
	return true
}

// initServer asks for the server, and probes it.
func (p *program) initServer(ctx context.Context, ask *asker, o *initOptions, a *firstfile.Answers) error {
	for {
		if o.host == "" {
			o.host = ask.askText("IMAP server to watch (host, or host:port)", "")
		}
		checks, err := o.checks()
		if err == nil {
			a.Host = checks[0].Probe.Hostname
			a.Services, err = p.probeServices(ctx, o.untested, checks)
		}
		if err == nil || ask.accepts(err, "Take it all the same?") {
			if len(a.Services) == 0 && len(checks) > 0 { // what is asked for, though it did not answer
				a.Services = []firstfile.Service{serviceOf(checks[0])}
			}
			if len(a.Services) > 0 {
				return nil
			}
		}
		if !ask.terminal {
			return err
		}
		p.printf("%s\n\n", p.fold("", err.Error()))
		o.host = ""
	}
}

// checks returns the checks to probe: the port that was named, or the two of IMAP.
func (o *initOptions) checks() (checks []*config.Check, err error) {
	host, port := o.host, 0
	if h, digits, found := strings.Cut(o.host, ":"); found && !strings.Contains(digits, ":") {
		if port, err = strconv.Atoi(digits); err != nil {
			return nil, fmt.Errorf("%q is no port", digits)
		}
		host = h
	}
	ports := []int{config.DefaultPort, portOfIMAP}
	if port != 0 {
		ports = []int{port}
	}
	for _, port := range ports {
		c, err := checkFromFlags(testOptions{host: host, port: port, security: o.security})
		if err != nil {
			return nil, err
		}
		c.ID, c.Label = config.CheckID(fmt.Sprintf("%s:%d", host, port)), fmt.Sprintf("%s:%d", host, port)
		checks = append(checks, c)
	}
	return checks, nil
}

// portOfIMAP is where connections begin without TLS.
const portOfIMAP = 143

func serviceOf(c *config.Check) firstfile.Service {
	return firstfile.Service{Port: int(c.Probe.Port), Security: c.Probe.Security}
}

// probeServices probes checks, and returns those that answer.
func (p *program) probeServices(ctx context.Context, untested bool, checks []*config.Check) (services []firstfile.Service, err error) {
	if untested {
		for _, c := range checks {
			services = append(services, serviceOf(c))
		}
		return services, nil
	}
	watch, unwatch := watchSelf(ctx)
	defer unwatch()
	reports := probeAll(ctx, probe.New(probe.Options{Node: hostName(), Version: release(), Watch: watch}), checks)
	for i, r := range reports {
		if r.State == incident.OK || r.State == incident.Degraded {
			services = append(services, serviceOf(checks[i]))
		}
	}
	p.printProbed(reports, len(services) > 0)
	if len(services) == 0 {
		return nil, errors.New("no IMAP service answers as it should")
	}
	return services, nil
}

// printProbed prints what was found; of a port on which nothing listens, beside one that
// answers, only a line.
func (p *program) printProbed(reports []api.Report, some bool) {
	p.printf("\n")
	for i := range reports {
		r := &reports[i]
		if some && r.State != incident.OK && r.State != incident.Degraded {
			p.printf("%s\n", foldHanging("- ", "  ", fmt.Sprintf("%s is left out: %s", r.Label, r.Hint)))
			continue
		}
		p.printReport(*r)
	}
	p.printf("\n")
}

// initRelay asks for recipient and relay, and asks the relay.
func (p *program) initRelay(ctx context.Context, ask *asker, o *initOptions, a *firstfile.Answers) error {
	for {
		if len(o.to) == 0 {
			o.to = strings.FieldsFunc(ask.askText("Who is notified (email address)", ""), func(r rune) bool { return r == ',' })
		}
		err := o.checkRecipients()
		if err == nil {
			break
		}
		if !ask.terminal {
			return err
		}
		p.printf("%s\n\n", p.fold("", err.Error()))
		o.to = nil
	}
	a.To = o.to
	asked := o.relay.address == ""
	for {
		if o.relay.address == "" {
			o.relay.address = ask.askText("Mail relay that takes the messages (host, or host:port)", "localhost")
		}
		if asked && o.relay.username == "" {
			o.relay.username = ask.optional("Account at the relay", "none")
		}
		if o.relay.username != "" && o.password == "" {
			password, err := p.relayPassword(ask, o)
			if err != nil {
				return err
			}
			o.password = password
		}
		if o.relay.from == "" {
			o.relay.from = ask.askText("Sender of the messages", senderFor(o.to[0]))
		}
		err := p.askRelay(ctx, o, a)
		if err == nil || a.Relay.Security != "" && ask.accepts(err, "Take it all the same?") {
			return nil
		}
		if !ask.terminal {
			return err
		}
		p.printf("%s\n\n", p.fold("", err.Error()))
		o.relay, o.password, asked = relayOptions{}, "", true
	}
}

func (o *initOptions) checkRecipients() error {
	if len(o.to) == 0 {
		return errors.New("nobody would be notified: say an email address")
	}
	for i, text := range o.to {
		o.to[i] = strings.TrimSpace(text)
		if _, err := mail.ParseAddress(o.to[i]); err != nil {
			return fmt.Errorf("%q is no email address", o.to[i])
		}
	}
	return nil
}

// senderFor returns the sender where nobody says another one.
func senderFor(recipient string) string {
	_, domain, _ := strings.Cut(recipient, "@")
	return "imapvigil <imapvigil@" + strings.Trim(domain, "> ") + ">"
}

func (p *program) relayPassword(ask *asker, o *initOptions) (string, error) {
	if o.passwordFile != "" {
		text, err := os.ReadFile(o.passwordFile)
		return strings.TrimRight(string(text), "\r\n"), err
	}
	if !ask.terminal {
		return "", errors.New("--relay-user needs --relay-password-file, the file with its password")
	}
	return ask.secret("Password of " + o.relay.username)
}

// askRelay asks the relay, and writes what is found into the answers.
func (p *program) askRelay(ctx context.Context, o *initOptions, a *firstfile.Answers) error {
	host, port, err := o.relay.hostAndPort()
	if err != nil {
		return err
	}
	a.From = o.relay.from
	a.Relay = firstfile.Relay{Host: host, Port: port, Security: o.relay.security, Username: o.relay.username}
	if o.untested {
		a.Relay.Security = o.relay.untestedSecurity(host, port)
		return nil
	}
	found, err := surveyRelay(ctx, o.relay, o.password, o.to)
	for _, line := range found.lines {
		p.printf("%s\n", foldHanging("✓ ", "  ", line))
	}
	if found.security != "" {
		a.Relay.Security = found.security
	}
	if err != nil {
		return fmt.Errorf("mail relay %s:%d: %w", host, port, err)
	}
	p.printf("\n")
	return nil
}

// writeFirstFile writes the file and the credential, and says what to do next.
func (p *program) writeFirstFile(o initOptions, a firstfile.Answers, text []byte) error {
	if old, err := os.ReadFile(o.output); err == nil {
		// Not *.hcl, so that it is no part of the configuration.
		kept := o.output + ".orig"
		if err := atomicfile.Write(kept, old, forDaemon); err != nil {
			return err
		}
		p.printf("%s\n", p.fold("", "What was in "+o.output+" is in "+kept+" now."))
	}
	if a.Relay.Username != "" {
		directory := filepath.Join(filepath.Dir(o.output), "credentials")
		if err := os.MkdirAll(directory, 0o750); err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(directory, firstfile.Credential), []byte(o.password+"\n"), forDaemon); err != nil {
			return err
		}
	}
	if err := atomicfile.Write(o.output, text, forDaemon); err != nil {
		return err
	}
	path := p.configPath
	if o.chosen != "" && filepath.Dir(o.output) != filepath.Clean(p.configPath) {
		path = o.output
	}
	_, diags, _ := p.loadAndJudge(path, source.Options{})
	p.printDiagnostics(p.err, diags)
	p.printf("%s\n", p.fold("", "Written: "+o.output))
	if config.HasErrors(diags) {
		return errNotWritten
	}
	p.printNext(path)
	return nil
}

func (p *program) printNext(path string) {
	p.printf("\nNext:\n")
	if path != defaultConfig {
		p.printf("  imapvigil run --config %s --state-dir ./state --control ./control.sock\n", path)
		p.printf("  imapvigil notify-test %s --control ./control.sock\n", firstfile.Role)
		return
	}
	p.printf("  sudo systemctl enable --now imapvigil     start the daemon\n")
	p.printf("  sudo imapvigil notify-test %s     does a message arrive?\n", firstfile.Role)
	p.printf("  sudo imapvigil status                     how are the servers?\n")
}

// forDaemon lets the daemon's group read a file, and nobody else.
func forDaemon(f *os.File) error {
	if err := f.Chmod(0o640); err != nil {
		return err
	}
	gid, known := daemonGroup()
	if !known || os.Geteuid() != 0 {
		return nil // the daemon is run by whoever runs this
	}
	return f.Chown(-1, gid)
}

// daemonGroup returns the group of the daemon that packages install, if there is one.
func daemonGroup() (gid int, known bool) {
	group, err := user.LookupGroup(access.DaemonUser)
	if err != nil {
		return 0, false
	}
	gid, err = strconv.Atoi(group.Gid)
	return gid, err == nil
}
