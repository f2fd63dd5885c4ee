package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/report"
)

type reportOptions struct {
	period, group, format string
	all                   bool
}

func (p *program) reportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report",
		Short: "Report how available the checks were in a period",
		Long: "Report how available the checks were in a period: what was promised and kept,\n" +
			"groups, outages, incidents, certificates and corrections. Days and months are\n" +
			"those of the status page's time zone. The daemon is asked. Where none answers,\n" +
			"or with --state-dir, its history is read instead.",
		Example: examples(
			"The last month", "imapvigil report",
			"For customers, to be printed", "imapvigil report --group customers --format html > report.html",
			"As a PDF", "chromium --headless --print-to-pdf=report.pdf report.html",
			"For a spreadsheet", "imapvigil report --period 2026-Q3 --format csv > q3.csv",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("reported", "an error, or there is no history"),
		Args:        noArguments,
		RunE:        func(cmd *cobra.Command, _ []string) error { return p.report(cmd, o) },
	}
	c.Flags().StringVar(&o.period, "period", "last-month", "the period: "+moment.PeriodForms)
	c.Flags().StringVarP(&o.group, "group", "g", "", "only the checks of this group and below it")
	c.Flags().StringVar(&o.format, "format", "text", "text, csv, json or html")
	c.Flags().BoolVar(&o.all, "all", false, "in text: list all checks, not only those with an outage or a promise that was not kept")
	p.placeFlags(c, configFlag, controlFlag, stateFlag)
	p.utcFlag(c)
	return c
}

func (p *program) report(cmd *cobra.Command, o reportOptions) error {
	switch o.format {
	case "text", "csv", "json", "html":
	default:
		return fmt.Errorf("--format must be text, csv, json or html, not %q", o.format)
	}
	if _, err := moment.ReadPeriod(o.period, p.now()); err != nil {
		return fmt.Errorf("--period: %w", err)
	}
	past, err := p.openPast(cmd)
	if err != nil {
		return err
	}
	defer func() { _ = past.close() }()
	q := api.PeriodQuery{Period: o.period}
	if o.group != "" {
		if q.Group, err = past.directory.Group(o.group); err != nil {
			return err
		}
	}
	r, err := past.report(cmd.Context(), q)
	if err != nil {
		return err
	}
	p.printWithout(past)
	return p.printPeriodReport(&r, o)
}

func (p *program) printPeriodReport(r *api.PeriodReport, o reportOptions) error {
	options := report.Options{Zone: p.zoneOf(r.Timezone)}
	var text []byte
	var err error
	switch o.format {
	case "json":
		return p.printJSON(r)
	case "csv":
		text, err = report.CSV(r, options)
	case "html":
		text, err = report.HTML(r, options)
	default:
		v := report.NewView(r, options)
		p.printReportText(&v, o.all)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.out.Write(text)
	return err
}

// zoneOf returns the zone in which a report shows times: UTC with --utc, or else that of its
// days.
func (p *program) zoneOf(name string) *time.Location {
	if p.utc {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC // this machine does not know it
	}
	return zone
}

// printReportText prints what a report says, the important first: of all checks, or of those alone
// with something to say.
func (p *program) printReportText(v *report.View, everyCheck bool) {
	if v.Monitor != "" {
		p.printf("%s\n", p.fold("", v.Monitor))
	}
	p.printf("%s\n%s\n", p.fold("", v.Title+", "+v.Period), p.fold("", fmt.Sprintf("%s (%s)", v.Span, v.ZoneName)))
	for _, notice := range v.Notices {
		p.printf("\n%s\n", p.fold("", notice))
	}
	p.printf("\n%s\n", p.fold("", v.Promise.Sentence))
	all := fmt.Sprintf("All checks: %s, not below %s; %s of the time was seen.", v.Total.Availability, v.Total.Floor, v.Total.Coverage)
	if v.Total.Change != report.Nothing {
		all += " Change to the period before: " + plainSigns.Replace(v.Total.Change) + " percentage points."
	}
	p.printf("%s\n", p.fold("", all))
	p.printGroups(v.Groups)
	p.printf("\nOutages of more than 10 minutes:\n")
	for _, sentence := range v.Outages {
		p.printf("%s\n", foldHangingTo(screenWidth, "  - ", "    ", sentence))
	}
	if len(v.Outages) == 0 {
		p.printf("  none\n")
	}
	if v.Short != "" {
		p.printf("%s\n", p.fold("  ", v.Short))
	}
	p.printSteps(v.Steps)
	p.printCheckFigures(v.Checks, everyCheck)
	p.printCertificates(v.Certs)
	p.printCorrections(v.Fixes)
}

// plainSigns are signs that each terminal has, for those of print.
var plainSigns = strings.NewReplacer("–", "-", "−", "-", "±", "")

// printTable prints a table below its title.
func (p *program) printTable(title string, columns []column, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	p.printf("\n")
	if title != "" {
		p.printf("%s\n", title)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = plainSigns.Replace(row[i])
		}
	}
	for _, lines := range alignColumns(screenWidth-2, columns, rows) {
		for _, line := range lines {
			p.printf("  %s\n", line)
		}
	}
}

func (p *program) printGroups(groups []report.Group) {
	rows := [][]string{{"GROUP", "CHECKS", "AVAILABLE", "CHANGE", "ANY DOWN", "ALL DOWN", "PROMISE"}}
	for i := range groups {
		g := &groups[i]
		rows = append(rows, []string{spaces(2*g.Depth) + g.Name, strconv.Itoa(g.Checks), g.Availability, g.Change, g.Any, g.All, g.Word})
	}
	right := func(rank int) column { return column{right: true, rank: rank} }
	p.printTable("", []column{{}, right(6), right(1), right(5), right(3), right(4), {rank: 2}}, rows)
}

func (p *program) printSteps(steps []report.Step) {
	rows := [][]string{{"HOW LONG IT TOOK", "MIDDLE", "WORST"}}
	for _, s := range steps {
		rows = append(rows, []string{s.Name, s.Median, s.Worst})
	}
	p.printTable("", []column{{}, {right: true, rank: 1}, {right: true, rank: 2}}, rows)
}

// printCheckFigures lists checks: those with something to say, and counts the others.
func (p *program) printCheckFigures(checks []report.Check, all bool) {
	rows := [][]string{{"CHECK", "AVAILABLE", "NOT BELOW", "DOWN", "LONGEST", "UNKNOWN", "PROMISE"}}
	others := 0
	for i := range checks {
		c := &checks[i]
		if !all && !c.Eventful {
			others++
			continue
		}
		rows = append(rows, []string{c.Name, c.Availability, c.Floor, c.Down, c.Longest, c.Unknown, c.Word})
	}
	right := func(rank int) column { return column{right: true, rank: rank} }
	p.printTable("", []column{{}, right(1), right(4), right(3), right(6), right(5), {rank: 2}}, rows)
	if others > 0 {
		p.printf("\n%s\n", p.fold("", fmt.Sprintf("%s had no incident (--all lists them).", plural(others, "check"))))
	}
}

func (p *program) printCertificates(certificates []report.Certificate) {
	rows := [][]string{{"CERTIFICATE ENDS", "CHECK", "SUBJECT"}}
	for _, c := range certificates {
		rows = append(rows, []string{c.Ends, c.Check, c.Subject})
	}
	p.printTable("", []column{{}, {rank: 1}, {rank: 2}}, rows)
}

func (p *program) printCorrections(corrections []report.Correction) {
	if len(corrections) > 0 {
		p.printf("\nCorrections:\n")
	}
	for _, c := range corrections {
		p.printf("%s\n", foldHangingTo(screenWidth, "  - ", "    ", fmt.Sprintf("%s, of %s, counts as %s: %s (%s before, %s after; correction %q)",
			c.Span, c.Of, c.As, c.Reason, c.Before, c.After, c.Name)))
	}
}

// checkNamed returns the one check that a name stands for.
func (past *past) checkNamed(name string) (config.CheckID, error) {
	ids, err := past.directory.Checks(name)
	if err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", fmt.Errorf("%s has %d checks, and history shows one: %s", name, len(ids), joined(ids))
	}
	return ids[0], nil
}
