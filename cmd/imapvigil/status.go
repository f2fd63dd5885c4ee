package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// statusFilter is what `status` was asked for.
type statusFilter struct {
	names         []string // of checks, servers or groups
	group, server string
	states        []string
	all           bool // each check has its line
}

// filters reports whether some checks are left out.
func (f statusFilter) filters() bool { return len(f.names)+len(f.states) > 0 || f.server+f.group != "" }

func (p *program) statusCommand() *cobra.Command {
	var f statusFilter
	var watch bool
	c := &cobra.Command{
		Use:   "status [CHECK...]",
		Short: "Show the current state of the checks",
		Example: examples(
			"Everything", "imapvigil status",
			"Only what is down, and keep looking", "imapvigil status --state down --watch",
			"One group and the groups below it", "imapvigil status --group europe/germany",
			"In a script: 0 is well", "imapvigil status mx1/imaps >/dev/null || echo trouble",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("all well, paused or in maintenance", "some degraded, failing, recovering or unknown", "some down", "no daemon answers, or a name or state does not exist"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.names = args
			client := p.client(cmd)
			if !watch {
				return p.status(cmd.Context(), client, f)
			}
			return p.watchStatus(cmd.Context(), client, f)
		},
	}
	c.Flags().StringVarP(&f.group, "group", "g", "", "only checks in this group and below it (europe/germany)")
	c.Flags().StringVarP(&f.server, "server", "s", "", "only checks of this server")
	c.Flags().StringArrayVar(&f.states, "state", nil, fmt.Sprintf("only checks in this state, or in one of several (%s,%s)", incident.CheckDown, incident.CheckDegraded))
	c.Flags().BoolVarP(&f.all, "all", "a", false, "a line for each check, however many they are")
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show it again every 2 seconds, until q is typed")
	p.jsonFlag(c)
	p.utcFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// status prints the checks that were asked for; its exit code is that of the gravest state.
func (p *program) status(ctx context.Context, client *api.Client, f statusFilter) error {
	s, err := askStatus(ctx, client, f)
	if err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(s); err != nil {
			return err
		}
	} else {
		p.printStatus(s, f)
	}
	return exit(statusCode(s.Checks))
}

// askStatus asks for the checks that a filter leaves, in detail if they are few.
func askStatus(ctx context.Context, client *api.Client, f statusFilter) (api.Status, error) {
	s, err := client.Status(ctx)
	if err != nil {
		return s, err
	}
	if s.Checks, err = f.selectChecks(s.Checks); err != nil {
		return s, err
	}
	return s, addDetails(ctx, client, &s, f)
}

// selectChecks returns those of all checks that were asked for. What stands for no check is
// an error, since a script would take silence for health; that no check is in a state is
// not.
func (f statusFilter) selectChecks(all []api.Check) ([]api.Check, error) {
	states, err := lookup.Words("state", f.states, incident.CheckStates())
	if err != nil {
		return nil, err
	}
	wanted, err := directoryOf(all).Select(f.names, f.server, f.group)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(c api.Check) bool {
		return wanted != nil && !wanted[c.ID] || len(states) > 0 && !slices.Contains(states, c.State)
	}), nil
}

// statusCode returns the exit code of the gravest state.
func statusCode(checks []api.Check) (code int) {
	for i := range checks {
		code = max(code, checks[i].State.ExitCode())
	}
	return code
}

// printStatus prints a status for people.
func (p *program) printStatus(s api.Status, f statusFilter) {
	p.printf("%s", p.statusText(s, f))
}

// statusText returns a status for people.
func (p *program) statusText(s api.Status, f statusFilter) string {
	g := p.newStatusPage(s.GeneratedAt)
	g.all = f.all
	if len(s.Checks) > 0 && s.Checks[0].CheckDetail != nil {
		g.details(s)
	} else {
		g.write(s, f.filters())
	}
	return g.text.String()
}

// A trouble is what is wrong with the monitor itself, in a sentence without its end, and
// what to type about it; empty: nothing.
type trouble struct{ text, command string }

// troubleLines returns what is wrong with the monitor itself: with its files, its journal,
// its probes, the messages that are not sent.
func (p *program) troubleLines(s api.Status) (list []trouble) {
	lines := p.configTroubles(s.Config)
	lines = append(lines, journalTroubles(s.Journal)...)
	if s.History != nil && s.History.Error != "" {
		lines = append(lines, historyTrouble(s.History))
	}
	if s.Probes.Late() {
		lines = append(lines, latenessLine(s.Probes))
	}
	for _, text := range lines {
		list = append(list, trouble{text: text})
	}
	return append(list, messageTroubles(s.Notifications)...)
}

// configTroubles returns what is wrong with the files.
func (p *program) configTroubles(c api.Config) (lines []string) {
	// The daemon says so of whatever it is asked to load.
	c.Error = strings.TrimPrefix(c.Error, "the configuration is in error: ")
	since := ""
	if !c.LoadedAt.IsZero() {
		since = " of " + p.formatMinute(c.LoadedAt)
	}
	switch {
	case c.Error == "":
	case c.State == api.Rejected:
		lines = append(lines, "The files were rejected, and the configuration"+since+" stays in effect: "+c.Error)
	case c.State == api.LastGood:
		lines = append(lines, "The files cannot be used, and the daemon runs with the last good configuration: "+c.Error)
	default:
		lines = append(lines, strings.ToUpper(c.Error[:1])+c.Error[1:])
	}
	if c.Polling != "" {
		lines = append(lines, "Changed files are noticed late: "+c.Polling)
	}
	return lines
}

// messageTroubles returns what is not delivered, and what to type about it.
func messageTroubles(n api.Notifications) (list []trouble) {
	through := ""
	if len(n.Failing) > 0 {
		through = " (" + joined(n.Failing) + ")"
	}
	if n.Held > 0 {
		list = append(list, trouble{plural(n.Held, "message") + " not sent yet, since max_per_hour of a notifier is used up", "imapvigil deliveries"})
	}
	if n.Retrying > 0 {
		list = append(list, trouble{plural(n.Retrying, "message") + " waiting, since the last attempt failed" + through, "imapvigil deliveries"})
	}
	if n.Dead > 0 {
		list = append(list, trouble{plural(n.Dead, "message") + " could not be delivered" + through, "imapvigil deliveries"})
	}
	return list
}

// journalTroubles returns what is wrong with the journal, and what was wrong when it was
// opened.
func journalTroubles(j api.Journal) (lines []string) {
	if !j.Durable {
		lines = append(lines, strings.TrimSuffix("The journal is not durable, alarms go on from memory: "+j.Error, ": "))
	} else if j.Damaged {
		lines = append(lines, strings.TrimSuffix("The journal was damaged: "+j.Error, ": "))
	}
	for _, path := range j.Quarantined {
		lines = append(lines, "A damaged file of the journal is kept: "+path)
	}
	if j.TornBytes > 0 {
		lines = append(lines, "The journal ended in an unfinished write, and "+plural(int(j.TornBytes), "byte")+" were cut off when the daemon started")
	}
	return lines
}

// historyTrouble returns that the history cannot be written. Nobody is paged for it.
func historyTrouble(h *api.History) string {
	text := "The history cannot be written; alarms do not need it: " + h.Error
	if h.Dropped > 0 {
		text += "; dropped: " + plural(int(h.Dropped), "observation")
	}
	return text
}

// latenessLine returns in a sentence how late probes begin.
func latenessLine(p api.Probes) string {
	text := "Probes begin up to " + notifiers.Duration(time.Duration(p.LagS*float64(time.Second))) + " late"
	if p.Waiting > 0 {
		text += "; waiting: " + plural(p.Waiting, "check")
	}
	if p.Overdue > 0 {
		text += "; overdue by more than two intervals: " + plural(p.Overdue, "check")
	}
	return text
}

// countStates returns how many checks are in each state.
func countStates(checks []api.Check) string {
	counts := map[incident.CheckState]int{}
	for _, c := range checks {
		counts[c.State]++
	}
	var parts []string
	for _, state := range incident.CheckStates() {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		return "no checks"
	}
	return plural(len(checks), "check") + ": " + strings.Join(parts, ", ")
}
