package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// incidentFilter is what `incidents` was asked for.
type incidentFilter struct {
	id, since, group string
	open             bool
}

func (p *program) incidentsCommand() *cobra.Command {
	var f incidentFilter
	c := &cobra.Command{
		Use:   "incidents [ID]",
		Short: "List incidents, or explain one: who was notified, and who not",
		Long: "List incidents, or explain one: who was notified, and who not, and why. ID is the\n" +
			"id of an incident; the name of a check, a server or a group lists its incidents.",
		Example: examples(
			"What is open now?", "imapvigil incidents --open",
			"What happened last night?", "imapvigil incidents --since 'yesterday 22:00'",
			"What happened to this server?", "imapvigil incidents mx1",
			"Who was notified of this one, and what did the receivers answer?", "imapvigil incidents 8wswsqxagv",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("listed", "there is no such incident", "", "no daemon answers, or there is no such group"),
		Args:        takes(0, 1, "the id of an incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.id = args[0]
			}
			return p.incidents(cmd.Context(), p.client(cmd), f)
		},
	}
	c.Flags().BoolVar(&f.open, "open", false, "only those that are open")
	c.Flags().StringVar(&f.since, "since", "", `only those that began after this: "24h", "22:00", "yesterday", "2026-11-30"`)
	c.Flags().StringVarP(&f.group, "group", "g", "", "only those of this group and below it")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

// incidents prints the incidents that were asked for.
func (p *program) incidents(ctx context.Context, client *api.Client, f incidentFilter) error {
	start, err := p.parseSince(f.since)
	if err != nil {
		return err
	}
	var group config.GroupID
	if f.group != "" {
		// Of the checks and not of the incidents: a group may have none.
		status, err := client.Status(ctx)
		if err != nil {
			return err
		}
		if group, err = directoryOf(status.Checks).Group(f.group); err != nil {
			return err
		}
	}
	list, err := client.Incidents(ctx)
	if err != nil {
		return err
	}
	one := slices.IndexFunc(list.Incidents, func(i api.Incident) bool { return i.IsCalled(incident.ID(f.id)) })
	if one >= 0 {
		return p.incident(ctx, client, list.Incidents[one])
	}
	var checks []config.CheckID // nil: all
	if f.id != "" {
		if checks, err = checksMeant(ctx, client, list.Incidents, f.id); err != nil {
			p.failCode = 1 // 3 would say that no daemon answers
			return err
		}
	}
	// The daemon gives all that it keeps; which of them are wanted is decided here.
	list.Incidents = slices.DeleteFunc(list.Incidents, func(i api.Incident) bool {
		return f.id != "" && !slices.Contains(checks, i.Check) || f.open && i.State == incident.StatusClosed || i.StartedAt.Before(start.At) ||
			!isInGroup(i.Groups, group)
	})
	if p.json {
		return p.printJSON(list)
	}
	p.printNote(start)
	p.printIncidents(list.Incidents)
	return nil
}

// incident explains one incident.
func (p *program) incident(ctx context.Context, client *api.Client, i api.Incident) (err error) {
	if i.Held, err = client.Explain(ctx, i.ID); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(api.Incidents{Incidents: []api.Incident{i}})
	}
	p.explainIncident(i)
	return nil
}

// checksMeant returns the checks that a name stands for, which is no incident's id: also one
// that has left the files and has incidents.
func checksMeant(ctx context.Context, client *api.Client, incidents []api.Incident, name string) ([]config.CheckID, error) {
	if slices.ContainsFunc(incidents, func(i api.Incident) bool { return string(i.Check) == name }) {
		return []config.CheckID{config.CheckID(name)}, nil
	}
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := directoryOf(status.Checks).Checks(name)
	if err != nil {
		return nil, fmt.Errorf("there is no incident %q, and %w", name, err)
	}
	return checks, nil
}

func (p *program) printIncidents(list []api.Incident) {
	if len(list) == 0 {
		p.printf("No incidents.\n")
	}
	for _, i := range list {
		p.printf("%s  %-12s %s  %s\n", i.ID, p.paint(incidentColour(i), string(i.State)), p.formatTime(i.StartedAt), i.Check)
		p.printf("%s\n", p.fold("            ", incidentLine(i)))
		p.printWhoWorks("            ", i)
	}
}

// incidentColour returns the state whose colour the incident is shown in.
func incidentColour(i api.Incident) string {
	if i.State == incident.StatusClosed {
		return string(incident.CheckOK)
	}
	return string(i.Severity)
}

// incidentLine says in one line what an incident is about, and how it ended.
func incidentLine(i api.Incident) string {
	text := fmt.Sprintf("%s %s: %s", i.Condition, i.Severity, phaseAndCause(i.Phase, i.Cause))
	if i.EndedAt != nil {
		text += fmt.Sprintf(", %s after %s", i.ClosedAs, notifiers.Duration(i.EndedAt.Sub(i.StartedAt)))
	}
	if i.ReportedAt == nil {
		text += ", never reported"
	}
	return text
}

// printWhoWorks says who has acknowledged an incident, if anybody has.
func (p *program) printWhoWorks(indent string, i api.Incident) {
	if i.Acknowledged != nil {
		p.printf("%s\n", p.fold(indent, "acknowledged"+p.acknowledgement(i.Acknowledged)))
	}
}

// explainIncident prints what happened, who was notified of it and what they answered, and
// why others were not.
func (p *program) explainIncident(i api.Incident) {
	p.printf("Incident %s, %s\n%s\n\n", i.ID, p.paint(incidentColour(i), string(i.State)), p.fold("", string(i.Check)+": "+incidentLine(i)))
	p.printWhoWorks("  ", i)
	if i.From != "" {
		p.printf("%s\n", p.fold("  ", seenLine(i.From)))
	}
	if i.Hint != "" {
		p.printf("%s\n", p.fold("  ", "hint: "+i.Hint))
	}
	if !i.Evidence.IsZero() {
		p.printf("%s\n", p.fold("  > ", i.Evidence.String()))
	}
	p.printf("\nEvents\n")
	for _, e := range i.Events {
		p.printHanging("  "+p.formatTime(e.At)+"  ", p.eventLine(e))
	}
	p.printf("\nMessages\n")
	if len(i.Deliveries) == 0 {
		p.printf("  none\n")
	}
	for _, d := range i.Deliveries {
		p.printf("%s\n", p.fold("  ", fmt.Sprintf("%s  %s to %s: %s after %s", p.formatTime(d.At), d.Transition, destinationOf(d), d.State, plural(d.Attempts, "attempt"))))
		p.printAnswers(d)
	}
	for _, h := range i.Held {
		if h.Reason != api.HeldByLimit { // it stands among the messages
			p.printf("%s\n", p.fold("  ", p.describeHeld(h)))
		}
	}
}

// eventLine says what happened to an incident.
func (p *program) eventLine(e api.Event) string {
	text := string(e.Kind)
	switch {
	case e.Kind == incident.Acknowledged:
		return text + p.byAndUntil(e.By, timeOf(e.Until)) + ": " + e.Reason
	case e.Kind == incident.Noted:
		return text + noteIntro(e) + ": " + e.Text
	case e.By != "":
		text += byAuthor(e.By)
	case e.Kind == incident.Unacknowledged:
		text += ": its time is over"
	case e.To != "":
		text += ": handed over to " + e.To
		switch {
		case e.As != "":
			text += ", where it is incident " + string(e.As)
		case e.Well:
			text += ", which sees it well"
		}
	}
	if e.Cause != "" {
		text += " (" + phaseAndCause(e.Phase, e.Cause) + ")"
	}
	return text
}

// noteIntro returns who wrote a note, and whether the public page shows it.
func noteIntro(e api.Event) (text string) {
	if e.By != "" {
		text = " by " + e.By
	}
	if e.Public {
		text += " (public)"
	}
	return text
}

// printHanging prints a line after an intro; what does not fit on the screen stands below
// the line.
func (p *program) printHanging(intro, line string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(intro))
	p.printf("%s\n", intro+strings.TrimPrefix(p.fold(indent, line), indent))
}

// describeHeld returns the answer to "why was I not notified?" for one destination.
func (p *program) describeHeld(h api.Held) string {
	text := "not notified: "
	if h.Notifier != "" {
		text += strings.TrimSpace(h.Notifier+" "+h.Target) + " for " + joined(h.Roles) + ": "
	}
	text += h.Detail
	if h.Until != nil {
		text += " until " + p.formatTime(*h.Until)
	}
	return text
}

// printAnswers shows what was answered: one answer to all, or to each recipient.
func (p *program) printAnswers(d api.Delivery) {
	if len(d.Recipients) == 0 && !d.Answer.IsZero() {
		p.printf("%s\n", p.fold("      > ", p.answerOf(d)))
	}
	for _, r := range d.Recipients {
		p.printf("%s\n", p.fold("      ", fmt.Sprintf("%s: %s", r.Address, r.State)))
		if !r.Answer.IsZero() {
			p.printf("%s\n", p.fold("        > ", r.Answer.String()))
		}
	}
}

// phaseAndCause returns the words of both. An incident about the monitor itself has no
// phase; then it returns the cause alone.
func phaseAndCause(phase config.Phase, cause config.Cause) string {
	return strings.TrimSpace(phase.String() + " " + string(cause))
}

// isExit reports whether an error only carries an exit code, and all has been said.
func isExit(err error) bool {
	var code exitCode
	return errors.As(err, &code)
}

// asDiagnostic makes a diagnostic of an error that may be one already.
func asDiagnostic(err error) (d config.Diagnostic) {
	if !errors.As(err, &d) {
		d.Gravity, d.Summary = config.Error, err.Error()
	}
	return d
}
