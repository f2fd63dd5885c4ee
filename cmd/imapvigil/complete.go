package main

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/config/takeover"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
	"github.com/imapvigil/imapvigil/daemon/history"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// completionPatience is how long a shell waits for what it completes at most, and the
// daemon gets half of that before the files are asked: one that is stuck, or files on a
// server that is gone, offer nothing, and the terminal goes on.
const completionPatience = 2 * time.Second

// completesWithin returns how long a shell waits for a completion at most.
func (p *program) completesWithin() time.Duration { return cmp.Or(p.completion, completionPatience) }

// A nameSource gives what an argument can be: each is a completion, with or without a
// description after a tab.
type nameSource func(ctx context.Context, p *program, cmd *cobra.Command) []cobra.Completion

// complete tells the shells what stands where: names of checks, servers and
// groups come from the daemon, or from the files where none answers, and what
// only a daemon knows from it alone.
func (p *program) complete(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	arguments, flags := p.offeredArguments(), p.offeredFlags()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), root.Name()+" ")
		c.ValidArgsFunction = arguments[path]
		offer := func(f *pflag.Flag) {
			offered := flags[path+" "+f.Name]
			if offered == nil {
				offered = flags[f.Name]
			}
			if offered != nil {
				_ = c.RegisterFlagCompletionFunc(f.Name, offered) // fails for a flag that is not there
			}
		}
		c.LocalFlags().VisitAll(offer)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// offeredArguments returns what completes the arguments of each command, by its name.
func (p *program) offeredArguments() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"ack":            p.completeNames(incidentNames(incident.StatusOpen, incident.StatusAcknowledged)),
		"fmt":            offerFiles,
		"import":         offerAnyFile,
		"incidents":      p.completeOneName(incidentNames(incident.StatusOpen, incident.StatusAcknowledged, incident.StatusClosed)),
		"history":        p.completeOneName(checkNames),
		"note":           p.completeOneName(incidentNames(incident.StatusOpen, incident.StatusAcknowledged, incident.StatusClosed)),
		"notify-test":    p.completeOneName(roleNames),
		"plan":           offerFiles,
		"recheck":        p.completeNames(checkNames),
		"show":           p.completeNames(checkNames),
		"silence remove": p.completeNames(silenceNames),
		"status":         p.completeNames(checkNames),
		"test":           p.completeNames(checkNames),
		"unack":          p.completeNames(incidentNames(incident.StatusAcknowledged)),
		"validate":       offerFiles,
		"who":            p.completeNames(checkNames),
	}
}

// offeredFlags returns what completes the values of flags, by the name of the flag alone, or behind the
// name of its command.
func (p *program) offeredFlags() map[string]cobra.CompletionFunc {
	return map[string]cobra.CompletionFunc{
		"check":     p.completeNames(checkNames),
		"condition": offerWords(slices.Collect(config.AllConditions().All())...),
		"config":    offerFiles,
		"control":   offerAnyFile,
		"format":    offerWords("text", "json", "nagios"),

		"history export format": offerWords(history.Formats()...),

		"import format": offerWords(takeover.Formats()...),
		"report format": offerWords("text", "csv", "json", "html"),
		"period":        offerWords("last-month", "this-month", "last-quarter", "last-week", "7d", "30d", "90d"),

		"demo nodes": offerWords("2", "3", "4", "5"),

		"nodes key out":           offerAnyFile,
		"nodes bus-config out":    offerDirectories,
		"nodes bus-config server": p.completeNames(busServerNames),

		"init output":              offerAnyFile,
		"init relay-password-file": offerAnyFile,
		"init relay-security":      offerWords(relaySecurities()...),

		"group":          p.completeNames(groupNames),
		"log-format":     offerWords("auto", "console", "json"),
		"test from":      p.completeNames(nodeNames),
		"node":           p.completeNames(nodeNames),
		"man":            offerWords(languagePage, guidesPage, statesPage),
		"log-level":      offerWords("debug", "info", "warn", "error"),
		"proxy-protocol": offerWords(config.ProxyV1, config.ProxyV2),
		"dismiss":        p.completeNames(deadMessageKeys),
		"replace":        offerAnyFile,
		"retry":          p.completeNames(deadMessageKeys),
		"role":           p.completeNames(roleNames),
		"security":       offerWords("tls", "starttls", "none"),
		"server":         p.completeNames(serverNames),
		"severity":       offerWords(config.SeverityDown, config.SeverityDegraded),
		"state":          offerWords(incident.CheckStates()...),
		"state-dir":      offerDirectories,
	}
}

// completeNames gives names that are not among the arguments yet, or nothing if they
// take too long to find out.
func (p *program) completeNames(all nameSource) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), p.completesWithin())
		defer cancel()
		quiet := *p
		quiet.err = io.Discard // whatever is wrong, this is not the place to say so
		// Room for one: a source that comes too late ends, although nobody reads.
		found := make(chan []cobra.Completion, 1)
		go func() { found <- all(ctx, &quiet, cmd) }()
		select {
		case list := <-found:
			return slices.DeleteFunc(list, func(c cobra.Completion) bool {
				name, _, _ := strings.Cut(c, "\t")
				return !strings.HasPrefix(name, begun) || slices.Contains(args, name)
			}), cobra.ShellCompDirectiveNoFileComp
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// completeOneName completes as completeNames does, for commands with one argument.
func (p *program) completeOneName(all nameSource) cobra.CompletionFunc {
	offer := p.completeNames(all)
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offer(cmd, args, begun)
	}
}

// offerFiles gives files of the language, and directories.
func offerFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"hcl"}, cobra.ShellCompDirectiveFilterFileExt
}

func offerDirectories(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func offerAnyFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func offerWords[T ~string](words ...T) cobra.CompletionFunc {
	list := make([]cobra.Completion, len(words))
	for i, word := range words {
		list[i] = string(word)
	}
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
}

func checkNames(ctx context.Context, p *program, cmd *cobra.Command) (list []cobra.Completion) {
	if checks, err := p.checksOfDaemon(ctx, cmd); err == nil {
		for _, c := range checks {
			list = append(list, cobra.CompletionWithDesc(string(c.ID), string(c.State)))
		}
		return list
	}
	return sortedKeys(p.loadWithoutSecrets().Checks)
}

func serverNames(ctx context.Context, p *program, cmd *cobra.Command) []cobra.Completion {
	checks, err := p.checksOfDaemon(ctx, cmd)
	if err != nil {
		return sortedKeys(p.loadWithoutSecrets().Servers)
	}
	servers := map[string]bool{}
	for _, c := range checks {
		if c.Server != "" {
			servers[c.Server] = true
		}
	}
	return sortedKeys(servers)
}

func nodeNames(_ context.Context, p *program, _ *cobra.Command) []cobra.Completion {
	if c := p.loadWithoutSecrets().Cluster; c != nil {
		return sortedKeys(c.Nodes)
	}
	return nil
}

func groupNames(ctx context.Context, p *program, cmd *cobra.Command) []cobra.Completion {
	checks, err := p.checksOfDaemon(ctx, cmd)
	if err != nil {
		return sortedKeys(p.loadWithoutSecrets().Groups)
	}
	groups := map[string]bool{}
	for _, c := range checks {
		for i := range c.Groups {
			// Each group on the way to the check: europe, and europe/germany.
			groups[strings.Join(c.Groups[:i+1], "/")] = true
		}
	}
	return sortedKeys(groups)
}

// roleNames returns the roles of the files: no answer of the daemon lists them.
func roleNames(_ context.Context, p *program, _ *cobra.Command) []cobra.Completion {
	return sortedKeys(p.loadWithoutSecrets().Roles)
}

// busServerNames returns the NATS servers of the files.
func busServerNames(_ context.Context, p *program, _ *cobra.Command) (list []cobra.Completion) {
	cluster := p.loadWithoutSecrets().Cluster
	if cluster == nil {
		return nil
	}
	servers, _ := serverfiles.Servers(cluster) // none of files in error
	for _, s := range servers {
		list = append(list, s.Host)
	}
	return list
}

func incidentNames(states ...incident.Status) nameSource {
	return func(ctx context.Context, p *program, cmd *cobra.Command) (list []cobra.Completion) {
		known, _ := p.client(cmd).Incidents(ctx) // none without a daemon
		for _, i := range known.Incidents {
			if slices.Contains(states, i.State) {
				list = append(list, cobra.CompletionWithDesc(string(i.ID), string(i.State)+", "+string(i.Check)+": "+string(i.Cause)))
			}
		}
		return list
	}
}

func silenceNames(ctx context.Context, p *program, cmd *cobra.Command) (list []cobra.Completion) {
	known, _ := p.client(cmd).Silences(ctx, false) // none without a daemon
	for _, s := range known.Silences {
		list = append(list, cobra.CompletionWithDesc(s.ID, s.Scope.String()))
	}
	return list
}

// deadMessageKeys returns the keys of the messages that --retry and --dismiss are for.
func deadMessageKeys(ctx context.Context, p *program, cmd *cobra.Command) (list []cobra.Completion) {
	known, _ := p.client(cmd).Incidents(ctx) // none without a daemon
	for _, d := range api.NewDeliveries(known.Incidents, false).Deliveries {
		if d.Neglected() && !d.Replaced {
			list = append(list, cobra.CompletionWithDesc(string(d.Key), d.Transition+" to "+askedBy(d.Delivery)))
		}
	}
	return list
}

// checksOfDaemon asks the daemon for its checks, in half of the time, so that there is
// time for the files when it fails.
func (p *program) checksOfDaemon(ctx context.Context, cmd *cobra.Command) ([]api.Check, error) {
	ctx, cancel := context.WithTimeout(ctx, p.completesWithin()/2)
	defer cancel()
	s, err := p.client(cmd).Status(ctx)
	return s.Checks, err
}

// loadWithoutSecrets returns the configuration without its secrets; an empty one if the
// files are in error or cannot be read.
func (p *program) loadWithoutSecrets() *config.Config {
	if s, err := p.readSnapshot(p.configPath, source.Options{NoCredentials: true}); err == nil {
		if cfg, _ := hclfile.Load(s); cfg != nil {
			return cfg
		}
	}
	return &config.Config{}
}

// sortedKeys returns the keys of a map, sorted.
func sortedKeys[K ~string, V any](m map[K]V) []cobra.Completion {
	list := make([]cobra.Completion, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, string(k))
	}
	return list
}
