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
}

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
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show it again every 2 seconds")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// watchStatus prints the status every 2 seconds until somebody interrupts it.
func (p *program) watchStatus(ctx context.Context, client *api.Client, f statusFilter) error {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		if p.usesColour(p.out) { // else it is no terminal that could be cleared
			p.printf("\x1b[H\x1b[2J")
		}
		err := p.status(ctx, client, f)
		// A check that is not well is no reason to stop watching.
		if err != nil && !isExit(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

// status prints the checks that were asked for; its exit code is that of the gravest state.
func (p *program) status(ctx context.Context, client *api.Client, f statusFilter) error {
	s, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if s.Checks, err = f.selectChecks(s.Checks); err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(s); err != nil {
			return err
		}
	} else {
		p.printStatus(s)
	}
	return exit(statusCode(s.Checks))
}

// selectChecks returns those of all checks that were asked for. What stands for no check is
// an error, since a script would take silence for health; that no check is in a state is
// not.
func (f statusFilter) selectChecks(all []api.Check) ([]api.Check, error) {
	states, err := lookup.Words("state", f.states, incident.CheckStates())
	if err != nil {
		return nil, err
	}
	wanted, err := selectNames(directoryOf(all), f.names, f.server, f.group)
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

func (p *program) printStatus(s api.Status) {
	p.printf("%s  %s\n", p.formatTime(s.GeneratedAt), countStates(s.Checks))
	for _, line := range troubleLines(s) {
		p.printf("%s\n", p.paint(string(incident.CheckDown), fold("! ", line)))
	}
	for _, note := range s.Notes {
		p.printf("%s\n", fold("  ", note))
	}
	checks := slices.Clone(s.Checks)
	slices.SortStableFunc(checks, func(a, b api.Check) int { return strings.Compare(placeOfCheck(a), placeOfCheck(b)) })
	// No heading is this, so the first check gets one.
	last := "\x00"
	for _, c := range checks {
		if here := placeOfCheck(c); here != last {
			p.printf("\n%s\n", here)
			last = here
		}
		p.printCheck(c, s.GeneratedAt)
	}
}

// troubleLines returns one sentence for each problem of the monitor itself: its files, its
// journal, late probes, messages that are not sent.
func troubleLines(s api.Status) (lines []string) {
	if s.Config.Error != "" {
		lines = append(lines, "configuration "+string(s.Config.State)+": "+s.Config.Error)
	}
	if s.Config.Polling != "" {
		lines = append(lines, "changed files are noticed late: "+s.Config.Polling)
	}
	lines = append(lines, journalTroubles(s.Journal)...)
	if s.Probes.Late() {
		lines = append(lines, latenessLine(s.Probes))
	}
	if s.Notifications.Held > 0 {
		lines = append(lines, plural(s.Notifications.Held, "message")+" not sent yet, since max_per_hour of a notifier is used up: see `imapvigil deliveries`")
	}
	if s.Notifications.Dead > 0 {
		lines = append(lines, plural(s.Notifications.Dead, "message")+" could not be delivered")
	}
	return lines
}

// journalTroubles returns what is wrong with the journal, and what was wrong when it was
// opened.
func journalTroubles(j api.Journal) (lines []string) {
	if !j.Durable {
		lines = append(lines, strings.TrimSuffix("the journal is not durable, alarms go on from memory: "+j.Error, ": "))
	} else if j.Damaged {
		lines = append(lines, strings.TrimSuffix("the journal was damaged: "+j.Error, ": "))
	}
	for _, path := range j.Quarantined {
		lines = append(lines, "a damaged file of the journal is kept: "+path)
	}
	if j.TornBytes > 0 {
		lines = append(lines, "the journal ended in an unfinished write, and "+plural(int(j.TornBytes), "byte")+" were cut off when the daemon started")
	}
	return lines
}

// latenessLine returns in a sentence how late probes begin.
func latenessLine(p api.Probes) string {
	text := "probes begin up to " + notifiers.Duration(time.Duration(p.LagS*float64(time.Second))) + " late"
	if p.Waiting > 0 {
		text += "; waiting: " + plural(p.Waiting, "check")
	}
	if p.Overdue > 0 {
		text += "; overdue by more than two intervals: " + plural(p.Overdue, "check")
	}
	return text
}

// placeOfCheck returns the heading that a check stands under.
func placeOfCheck(c api.Check) string {
	if len(c.Groups) == 0 {
		return "(no group)"
	}
	return strings.Join(c.Groups, " / ")
}

func (p *program) printCheck(c api.Check, now time.Time) {
	// Padded here and not by %-10s, which would count the codes of a colour.
	state := strings.Repeat(" ", max(0, 10-len(c.State)))
	state = p.paint(string(c.State), string(c.State)) + state
	title := string(c.ID)
	if c.Label != title && c.Label != "" {
		title += " (" + c.Label + ")"
	}
	p.printf("  %s  %s", state, title)
	if c.Since != nil {
		p.printf(", since %s", strings.TrimSuffix(timeAgo(c.Since, now), " ago"))
	}
	p.printf("\n")
	if c.Cause != "" && c.State != incident.CheckOK {
		p.printf("%s\n", fold("              ", c.Phase+" "+c.Cause+": "+c.Hint))
	}
	for _, id := range c.Incidents {
		p.printf("              incident %s\n", id)
	}
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
