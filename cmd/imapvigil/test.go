package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/clock"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/probe"
	"github.com/imapvigil/imapvigil/daemon/verdict"
)

// testOptions are the flags of test.
type testOptions struct {
	host, security, format string
	proxyProtocol          string
	from                   string // the node that probes; empty: this command does
	port                   int
	portGiven              bool // with --port
	transcript             bool
	adHoc                  bool // --host was given
}

func (p *program) testCommand() *cobra.Command {
	var o testOptions
	c := &cobra.Command{
		Use:   "test [CHECK...]",
		Short: "Run checks now, without the daemon, and show each phase",
		Example: examples(
			"Any server, whether in the files or not", "imapvigil test --host imap.example.org",
			"STARTTLS, and the whole conversation", "imapvigil test --host imap.example.org --port 143 --transcript",
			"One check of the files, and all of them", "imapvigil test mx1/imaps; imapvigil test",
			"As a plugin of Nagios, Icinga or NRPE", "imapvigil test mx1/imaps --format nagios",
		),
		GroupID:     groupStart,
		Annotations: exitCodes("all well", "some degraded", "some down", "could not be tested"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkHostFlags(cmd, args); err != nil {
				return err
			}
			if o.from != "" {
				return p.testFrom(cmd, o, args)
			}
			o.adHoc, o.portGiven = cmd.Flags().Changed("host"), cmd.Flags().Changed("port")
			return p.test(cmd.Context(), o, args)
		},
	}
	c.Flags().StringVarP(&o.host, "host", "H", "", "test this host (or host:port), which need not be in any file")
	c.Flags().IntVarP(&o.port, "port", "p", config.DefaultPort, "its port")
	c.Flags().StringVar(&o.security, "security", "", `"tls", "starttls" or "none" (default: that of the port)`)
	c.Flags().StringVar(&o.proxyProtocol, "proxy-protocol", "", `"v1" or "v2": send the PROXY header first (default: none)`)
	c.Flags().StringVar(&o.from, "from", "", "have this node of the cluster probe, by the daemons; the result does not count")
	c.Flags().StringVarP(&o.format, "format", "o", "text", "text, json or nagios")
	c.Flags().BoolVar(&o.transcript, "transcript", false, "print the conversation, passwords masked")
	p.jsonFlag(c)
	p.utcFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// checkHostFlags returns an error where --host, which stands for a check that is in no
// file, comes with the names of checks, or a flag that belongs to --host without it.
func checkHostFlags(cmd *cobra.Command, ids []string) error {
	host := cmd.Flags().Changed("host")
	switch {
	case host && len(ids) > 0:
		return fmt.Errorf("--host tests what is in no file; leave it out to test %s", strings.Join(ids, ", "))
	case !host && slices.ContainsFunc([]string{"port", "security", "proxy-protocol"}, cmd.Flags().Changed):
		return errors.New("--port, --security and --proxy-protocol belong to --host; a check from the files has its own")
	}
	return nil
}

func (p *program) test(ctx context.Context, o testOptions, ids []string) error {
	if p.json {
		o.format = "json"
	}
	if !slices.Contains([]string{"text", "json", "nagios"}, o.format) {
		return fmt.Errorf("--format is text, json or nagios, not %q", o.format)
	}
	checks, err := p.testChecks(o, ids)
	if err != nil {
		return p.reportUntestable(o, err)
	}
	watch, unwatch := watchSelf(ctx)
	defer unwatch()
	options := probe.Options{Node: hostName(), Version: release(), Watch: watch}
	if o.transcript {
		options.Transcript = p.printTranscript()
	}
	reports := probeAll(ctx, probe.New(options), checks)
	if o.format == "nagios" {
		return p.printNagios(reports, checks)
	}
	// printReports knows only --json.
	p.json = o.format == "json"
	return p.printReports(reports)
}

// watchSelf measures how late this process is, which may be stopped (^Z) or starved
// as any other, until unwatch is called.
func watchSelf(ctx context.Context) (w *clock.Watch, unwatch func()) {
	w = clock.New(clock.Options{})
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { _ = w.Run(ctx) })
	return w, func() {
		cancel()
		watching.Wait()
	}
}

// reportUntestable returns an error that came before any probe. For a program that reads
// the output of plugins, and not their standard error, it also prints that.
func (p *program) reportUntestable(o testOptions, err error) error {
	if o.format == "nagios" {
		reason := "the configuration cannot be used; imapvigil validate says why"
		if code := exitCode(0); !errors.As(err, &code) {
			reason = err.Error()
		}
		p.printNagiosLine(incident.Unknown, reason, nil)
	}
	return err
}

// testChecks returns the checks to probe: one made of flags, those that were named,
// or all that are not paused.
func (p *program) testChecks(o testOptions, ids []string) ([]*config.Check, error) {
	if o.adHoc {
		c, err := checkFromFlags(o)
		return []*config.Check{c}, err
	}
	cfg, err := p.loadConfig(3)
	if err != nil {
		return nil, err
	}
	var checks []*config.Check
	if len(ids) > 0 {
		found, err := lookup.Of(cfg).Checks(ids...)
		for _, id := range found {
			// A paused check is probed only when it is named.
			if c := cfg.Checks[id]; c.Enabled || slices.Contains(ids, string(id)) {
				checks = append(checks, c)
			}
		}
		if err == nil && len(checks) == 0 {
			err = fmt.Errorf("all checks of %s are paused; name one of them to test it", strings.Join(ids, ", "))
		}
		return checks, withHostHint(err, ids)
	}
	for _, c := range cfg.Checks {
		if c.Enabled {
			checks = append(checks, c)
		}
	}
	// The checks come from a map, in another order each time.
	slices.SortFunc(checks, func(a, b *config.Check) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if len(checks) == 0 {
		return nil, fmt.Errorf("there is no check in %s that could be tested", p.configPath)
	}
	return checks, nil
}

// withHostHint says of an error about names that are no checks how a host is tested, where
// one of them looks like a host.
func withHostHint(err error, names []string) error {
	if err == nil || !strings.ContainsAny(names[0], ".:") {
		return err
	}
	return fmt.Errorf("%w; to test a host that is in no file: imapvigil test --host %s", err, names[0])
}

// splitPort takes the port off a host that was given as host:port, as many programs write
// it. What is not written so stays as it is, and [hclfile.Hostname] judges it.
func (o *testOptions) splitPort() error {
	host, text, err := net.SplitHostPort(o.host)
	if err != nil || host == "" {
		return nil //nolint:nilerr // a host without a port, which is the usual thing
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil //nolint:nilerr // "host:imaps" is no host either
	}
	if o.portGiven && o.port != int(port) {
		return fmt.Errorf("--host says port %d, and --port says %d", port, o.port)
	}
	o.host, o.port = host, int(port)
	return nil
}

// checkFromFlags makes a check of the flags, with the language's defaults.
func checkFromFlags(o testOptions) (*config.Check, error) {
	if err := o.splitPort(); err != nil {
		return nil, err
	}
	security := config.Security(o.security)
	host, err := hclfile.Hostname(o.host)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--host %q: %w", o.host, err)
	case o.port < 1 || o.port > 65535:
		return nil, fmt.Errorf("--port is 1 to 65535, not %d", o.port)
	case !slices.Contains([]string{"", string(config.ProxyV1), string(config.ProxyV2)}, o.proxyProtocol):
		return nil, fmt.Errorf(`--proxy-protocol is "v1" or "v2", not %q`, o.proxyProtocol)
	case security == "" && config.DefaultSecurity(uint16(o.port)) == "":
		return nil, fmt.Errorf(`--security is needed for port %d: "tls", "starttls" or "none"`, o.port)
	case !slices.Contains([]config.Security{"", config.TLSFromStart, config.StartTLS, config.Plain}, security):
		return nil, fmt.Errorf(`--security is "tls", "starttls" or "none", not %q`, o.security)
	}
	check := &config.Check{ID: config.CheckID(o.host), Label: o.host, Probe: config.DefaultProbe()}
	p := &check.Probe
	p.Hostname, p.Port, p.Security, p.ProxyProtocol = host, uint16(o.port), security, config.ProxyProtocol(o.proxyProtocol)
	p.FillDefaults()
	return check, nil
}

// sideBySide is how many checks are probed at once.
const sideBySide = 64

// probeAll probes checks side by side, those that log in to the same account one
// after the other: each has its turn, however long those before it take.
func probeAll(ctx context.Context, prober *probe.Prober, checks []*config.Check) []api.Report {
	reports := make([]api.Report, len(checks))
	var g errgroup.Group
	g.SetLimit(sideBySide)
	for _, row := range groupByAccount(checks) {
		g.Go(func() error {
			for _, i := range row {
				p := prober.Probe(ctx, checks[i].ID, checks[i].Probe)
				reports[i] = api.NewReport(checks[i].Label, verdict.Judge(&checks[i].Probe, &p))
			}
			return nil
		})
	}
	_ = g.Wait() // no task fails
	return reports
}

// groupByAccount returns the places of the checks in rows: those of one account in one, the
// others each in its own.
func groupByAccount(checks []*config.Check) (rows [][]int) {
	row := map[string]int{}
	for i, c := range checks {
		account := probe.AccountOf(c.Probe)
		at, known := row[account]
		// A check that does not log in need not wait for another.
		if account == "" || !known {
			row[account] = len(rows)
			rows = append(rows, []int{i})
			continue
		}
		rows[at] = append(rows[at], i)
	}
	return rows
}

// printTranscript returns what prints a conversation as it goes on, a line at a time. It
// writes to the standard error, since the standard output may be JSON.
func (p *program) printTranscript() func(probe.Line) {
	var mu sync.Mutex
	return func(l probe.Line) {
		// Conversations with several addresses go on at the same time.
		mu.Lock()
		defer mu.Unlock()
		ms := float64(l.At.Microseconds()) / 1000
		_, _ = fmt.Fprintf(p.err, "%s %s %9.1f ms  %s: %s\n", l.Check, l.Address, ms, l.From, l.Text)
	}
}
