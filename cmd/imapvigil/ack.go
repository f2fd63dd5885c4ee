package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) ackCommand() *cobra.Command {
	var reason, until, by string
	c := &cobra.Command{
		Use:   "ack ID --reason TEXT",
		Short: "Acknowledge an incident: no more reminders or escalations",
		Long: "Acknowledge an incident: no reminders or escalations until it closes (or until\n" +
			"--until). Its end is still sent. ID is the id of an incident, or of a check, a\n" +
			"server or a group: then all its open incidents are acknowledged. Several may be\n" +
			"given. Another acknowledgement replaces the one before.",
		Example: examples(
			"The message, `imapvigil status` and `imapvigil incidents` show the id", `imapvigil ack 8wswsqxagv --reason "disk is being replaced"`,
			"Everything that is open on a server, for two hours", `imapvigil ack mx1 --until 2h --reason "waiting for the provider"`,
			"For a colleague who is on the phone", `imapvigil ack 8wswsqxagv --by anna --until "tomorrow 08:00" -m "new disk"`,
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("acknowledged", "not acknowledged"),
		SuggestFor:  []string{"acknowledge"},
		Args:        p.takesIncidents(incident.StatusOpen),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return wrongCall(cmd, "needs --reason, which colleagues read")
			}
			end, err := p.parseUntil(until)
			if err != nil {
				return err
			}
			client := p.clientAs(cmd, by)
			list, err := namedIncidents(cmd.Context(), client, args)
			if err != nil {
				return err
			}
			err = p.forEachIncident(list, func(i api.Incident) error {
				answer, err := client.Acknowledge(cmd.Context(), i.ID, reason, end.At)
				if err == nil {
					p.printAcknowledged(answer, end.At)
				}
				return err
			})
			p.printNote(end)
			p.warnLongReason(reason)
			return err
		},
	}
	c.Flags().StringVarP(&reason, "reason", "m", "", "comment, shown by incidents and in messages")
	c.Flags().StringVar(&until, "until", "", "when the acknowledgement expires: "+moment.Forms)
	p.byFlag(c, &by)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

func (p *program) unackCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:   "unack ID",
		Short: "Take an acknowledgement back: reminders and escalations go on",
		Long: "Take an acknowledgement back: reminders and escalations go on. ID is the id of\n" +
			"an incident, or of a check, a server or a group; several may be given.",
		Example: examples(
			"The wrong one was acknowledged", "imapvigil unack 8wswsqxagv",
			"All incidents of a server", "imapvigil unack mx1",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("taken back", "not taken back"),
		Args:        p.takesIncidents(incident.StatusAcknowledged),
		RunE: func(cmd *cobra.Command, args []string) error {
			client := p.clientAs(cmd, by)
			list, err := namedIncidents(cmd.Context(), client, args)
			if err != nil {
				return err
			}
			if list, err = acknowledgedOf(list); err != nil {
				return err
			}
			return p.forEachIncident(list, func(i api.Incident) error {
				answer, err := client.Unacknowledge(cmd.Context(), i.ID)
				if err == nil {
					p.printf("Incident %s is no longer acknowledged (%s).\n", answer.Incident, answer.Check)
					p.printBefore("It was", answer.Before)
				}
				return err
			})
		},
	}
	p.byFlag(c, &by)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

// byFlag adds --by where a command is recorded with its author.
func (p *program) byFlag(c *cobra.Command, by *string) {
	c.Flags().StringVar(by, "by", "", "who does this, if not you: kept as the author")
}

// clientAs returns a client that acts for somebody; empty: for whoever types.
func (p *program) clientAs(cmd *cobra.Command, by string) *api.Client {
	client := p.client(cmd)
	client.Signature = api.Signature{By: by, User: p.userName()}
	return client
}

// forEachIncident calls do for each incident, also after one call has failed. It prints each
// error but the last, which it returns.
func (p *program) forEachIncident(list []api.Incident, do func(api.Incident) error) (failed error) {
	for _, i := range list {
		err := do(i)
		if err != nil && failed != nil {
			p.printError(failed)
		}
		if err != nil {
			failed = err
		}
	}
	return failed
}

// printAcknowledged says that an incident is acknowledged, by whom and until when, and
// what that replaces.
func (p *program) printAcknowledged(a api.Acknowledged, until time.Time) {
	p.printf("Incident %s is acknowledged%s (%s).\n", a.Incident, p.byAndUntil(a.By, until), a.Check)
	p.printBefore("This replaces: it was", a.Before)
}

// printBefore shows the acknowledgement that held before; nil: there was none.
func (p *program) printBefore(intro string, before *api.Acknowledgement) {
	if before != nil {
		p.printf("%s\n", p.fold("  ", fmt.Sprintf("%s acknowledged at %s%s", intro, p.formatMinute(before.At), p.acknowledgement(before))))
	}
}

// acknowledgement returns by whom and until when an incident is acknowledged, and why.
func (p *program) acknowledgement(a *api.Acknowledgement) string {
	text := p.byAndUntil(a.By, timeOf(a.Until))
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}

// byAndUntil returns " by NAME until TIME" of an acknowledgement.
func (p *program) byAndUntil(by string, until time.Time) (text string) {
	if by != "" {
		text = byAuthor(by)
	}
	if until.IsZero() {
		return text + " until it closes"
	}
	return text + " until " + p.formatMinute(until)
}

// timeOf returns a time of JSON; zero for null.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// warnLongReason says that the daemon keeps the beginning of a reason only.
func (p *program) warnLongReason(reason string) { p.warnLong("reason", reason) }

// warnLong says that the daemon keeps the beginning of a text only.
func (p *program) warnLong(what, text string) {
	// As many bytes as daemon/tracker keeps of a reason.
	const kept = 1 << 10
	if len(text) > kept {
		p.printf("The %s has %d bytes; the first %d are kept.\n", what, len(text), kept)
	}
}

// takesIncidents checks that something is named; its error lists the incidents in a state.
func (p *program) takesIncidents(state incident.Status) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		err := wrongCall(cmd, "needs the id of an incident")
		ctx, cancel := context.WithTimeout(cmd.Context(), p.completesWithin())
		defer cancel()
		list, unreachable := p.client(cmd).Incidents(ctx)
		if unreachable != nil {
			return err
		}
		return fmt.Errorf("%w; %s", err, listOpen(list.Incidents, state))
	}
}
