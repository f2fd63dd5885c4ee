package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/report"
)

func (p *program) historyCommand() *cobra.Command {
	var since string
	c := &cobra.Command{
		Use:   "history CHECK",
		Short: "Show what was of one check: availability, outages, latency",
		Long: "Show what was of one check: how available it was, a mark for each day, when it\n" +
			"was down, degraded, unknown or in maintenance, and how long its probes took. The\n" +
			"daemon is asked. Where none answers, or with --state-dir, its history is read\n" +
			"instead. A node of several asks the others, too, and names those that do not\n" +
			"answer within two seconds.",
		Example: examples(
			"The last seven days", "imapvigil history mx1/imaps",
			"The last quarter of a year", "imapvigil history mx1/imaps --since 90d",
			"For a chart", "imapvigil history mx1/imaps --since 24h --json | jq .points",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("shown", "an error, or there is no history"),
		Args:        takes(1, 1, "a check"),
		RunE:        func(cmd *cobra.Command, args []string) error { return p.history(cmd, args[0], since) },
	}
	c.Flags().StringVar(&since, "since", "7d", `from when on: "24h", "90d", "yesterday", "2026-11-30"`)
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag, stateFlag)
	p.utcFlag(c)
	c.AddCommand(p.historyExportCommand())
	return c
}

func (p *program) history(cmd *cobra.Command, name, since string) error {
	start, err := p.parseSince(since)
	if err != nil {
		return err
	}
	past, err := p.openPast(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = past.close() }()
	id, err := past.checkNamed(name)
	if err != nil {
		return err
	}
	q := api.HistoryQuery{Check: id, From: start.At.UTC().Format(time.RFC3339)}
	if !p.json { // in all of it together
		q.Step = config.FormatDuration(time.Since(start.At) + time.Hour)
	}
	h, err := past.history(cmd.Context(), q)
	if err != nil {
		return err
	}
	p.printWithout(past)
	if p.json {
		return p.printJSON(h)
	}
	p.printNote(start)
	return p.printHistory(cmd.Context(), past, &h)
}

func (p *program) printHistory(ctx context.Context, past *past, h *api.CheckHistory) error {
	r, err := past.report(ctx, api.PeriodQuery{
		Check: h.Check, Period: h.From.Format(time.RFC3339) + ".." + h.To.Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	if len(r.Checks) != 1 {
		return fmt.Errorf("there is no check %s", h.Check)
	}
	zone := p.zone()
	c := &r.Checks[0]
	v := report.NewView(&r, report.Options{Zone: zone})
	title := string(c.ID)
	if c.Label != title {
		title += " (" + c.Label + ")"
	}
	p.printf("%s\n%s\n", p.fold("", title), p.fold("", p.formatMinute(h.From)+" to "+p.formatMinute(h.To)))
	for _, notice := range v.Notices {
		p.printf("%s\n", p.fold("", notice))
	}
	figures := v.Checks[0]
	p.printf("\n%s\n", p.fold("", fmt.Sprintf("Available %s, not below %s; %s of the time was seen.", figures.Availability, figures.Floor, figures.Coverage)))
	if c.SLO != nil {
		p.printf("%s\n", p.fold("", fmt.Sprintf("Promised %s: %s. Of the time that it may be down: %s.", figures.Promise, figures.Word, figures.Budget)))
		if c.SLO.GoneAt != nil {
			p.printf("%s\n", p.fold("", fmt.Sprintf("At the pace of the last three days that is gone at %s.", p.formatMinute(*c.SLO.GoneAt))))
		}
	}
	p.printDays(r.From.In(p.zoneOf(r.Timezone)), r.To, c.Days)
	p.printIntervals(h, r.Incidents)
	p.printLatency(h)
	p.printLocations(h.Locations)
	return nil
}

// The marks of days, each for the worst of the day.
const (
	dayOK          = '='
	dayDown        = 'X'
	dayDegraded    = '!'
	dayUnknown     = '?'
	dayMaintenance = 'm'
	dayAbsent      = '.'
)

// printDays prints a mark a day, and what the marks mean that are there.
func (p *program) printDays(from, to time.Time, days []api.Day) {
	marks := map[string]rune{}
	for i := range days {
		marks[days[i].Day] = markOf(&days[i].Seconds)
	}
	y, m, d := from.Date()
	var line strings.Builder
	last := ""
	for i := range screenWidth - 4 {
		noon := time.Date(y, m, d+i, 12, 0, 0, 0, from.Location())
		if noon.Add(-12 * time.Hour).After(to) {
			break
		}
		last = noon.Format(time.DateOnly)
		mark, eventful := marks[last]
		if !eventful {
			mark = dayOK
		}
		line.WriteRune(mark)
	}
	p.printf("\nDays from %s to %s\n  %s\n", from.Format(time.DateOnly), last, line.String())
	meanings := []string{}
	for _, mark := range []struct {
		mark rune
		says string
	}{{dayOK, "OK"}, {dayDown, "down"}, {dayDegraded, "degraded"}, {dayUnknown, "unknown"}, {dayMaintenance, "maintenance"}, {dayAbsent, "absent or paused"}} {
		if strings.ContainsRune(line.String(), mark.mark) {
			meanings = append(meanings, fmt.Sprintf("%c %s", mark.mark, mark.says))
		}
	}
	p.printf("  %s\n", strings.Join(meanings, "   "))
}

func markOf(s *api.StateSeconds) rune {
	switch {
	case s.Down > 0:
		return dayDown
	case s.Degraded > 0:
		return dayDegraded
	case s.Unknown > 0:
		return dayUnknown
	case s.OK > 0 && s.Maintenance == 0:
		return dayOK // for the part of the day in which it was there
	case s.Maintenance > 0:
		return dayMaintenance
	}
	return dayAbsent
}

// printIntervals lists the times in which the check was not simply OK.
func (p *program) printIntervals(h *api.CheckHistory, incidents []api.ReportIncident) {
	causes := map[string]string{}
	for i := range incidents {
		causes[string(incidents[i].ID)] = incidents[i].Cause.Text()
	}
	rows := [][]string{{"FROM", "FOR", "STATE", "INCIDENT", "CAUSE"}}
	for _, i := range h.Intervals {
		if i.To.Sub(i.From) < time.Second {
			continue // a daemon takes that long to start
		}
		length := config.FormatDuration(i.To.Sub(i.From).Truncate(time.Second))
		if i.To.Equal(h.To) {
			length += " so far"
		}
		rows = append(rows, []string{i.From.In(p.zone()).Format("2006-01-02 15:04:05"), length, string(i.State), i.Incident, causes[i.Incident]})
	}
	p.printTable("", []column{{}, {rank: 1, right: true}, {rank: 2}, {rank: 4}, {rank: 3}}, rows)
	if len(rows) == 1 {
		p.printf("\nIt was OK all the time.\n")
	}
}

// printLatency prints how long the phases of good probes took.
func (p *program) printLatency(h *api.CheckHistory) {
	points := h.Points
	if len(points) == 0 {
		return
	}
	from := ""
	if len(h.Locations) > 0 {
		from = " from " + h.Locations[0].Location
	}
	point := &points[len(points)-1]
	rows := [][]string{{"PHASE", "HALF", "95 %", "99 %"}}
	for phase := range config.TimedPhases() {
		if point.P50MS[phase] > 0 {
			rows = append(rows, []string{phase.TimeKey(), inMillis(point.P50MS[phase]), inMillis(point.P95MS[phase]), inMillis(point.P99MS[phase])})
		}
	}
	right := column{right: true, rank: 1}
	p.printTable(fmt.Sprintf("Of %s%s so many took no longer (exact to 3 %%):", plural(point.N, "probe"), from), []column{{}, right, right, right}, rows)
}

// printLocations prints what the probes of each of several nodes came to. Who did not answer was said before.
func (p *program) printLocations(locations []api.LocationHistory) {
	rows := [][]string{{"LOCATION", "NODE", "PROBES", "WORKED", "HALF", "95 %", "99 %"}}
	for i := range locations {
		l := &locations[i]
		if l.N == 0 {
			continue
		}
		worked := availability.NoData
		if judged := l.OK + l.Degraded + l.Down; judged > 0 {
			share := float64(judged-l.Down) / float64(judged)
			worked = availability.Percent(&share)
		}
		rows = append(rows, []string{l.Location, string(l.Node), strconv.Itoa(l.N), worked, latencyOf(l.P50MS), latencyOf(l.P95MS), latencyOf(l.P99MS)})
	}
	if len(rows) == 1 {
		return
	}
	right := column{right: true, rank: 1}
	p.printTable("From each location:", []column{{}, {rank: 3}, {right: true, rank: 2}, right, right, right, {right: true, rank: 2}}, rows)
}

func inMillis(d time.Duration) string {
	ms := float64(d.Microseconds()) / 1000
	switch {
	case d == 0:
		return "-"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
