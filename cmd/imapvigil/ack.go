package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) ackCommand() *cobra.Command {
	var reason, until string
	c := &cobra.Command{
		Use:   "ack ID --reason TEXT",
		Short: "Acknowledge an incident: no more reminders or escalations",
		Long: "Acknowledge an incident: no reminders or escalations until it closes (or until\n" +
			"--until). Its end is still sent.",
		Example: examples(
			"The message, `imapvigil status` and `imapvigil incidents` show the id", `imapvigil ack 8wswsqxagv --reason "disk is being replaced"`,
			"Only for two hours", `imapvigil ack 8wswsqxagv --until 2h --reason "waiting for the provider"`,
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("acknowledged", "not acknowledged"),
		Args:        takes(1, 1, "the id of an incident"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return wrongCall(cmd, "needs --reason, which colleagues read")
			}
			end, err := parseUntil(until, time.Now())
			if err != nil {
				return err
			}
			if err := p.client(cmd).Acknowledge(cmd.Context(), incident.ID(args[0]), reason, end); err != nil {
				return err
			}
			p.printf("Incident %s is acknowledged.\n", args[0])
			p.warnLongReason(reason)
			return nil
		},
	}
	c.Flags().StringVarP(&reason, "reason", "m", "", "comment, shown by incidents and in messages")
	c.Flags().StringVar(&until, "until", "", `when the acknowledgement expires: a duration ("4h") or a time ("2026-01-06T08:00:00Z")`)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// warnLongReason says that the daemon keeps the beginning of a reason only.
func (p *program) warnLongReason(reason string) {
	// As many bytes as daemon/tracker keeps of a reason.
	const kept = 1 << 10
	if len(reason) > kept {
		p.printf("The reason has %d bytes; the first %d are kept.\n", len(reason), kept)
	}
}

// parseUntil reads a duration from now, or a time; empty: zero.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	// A time that is past would end what is only beginning.
	if d, err := config.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || !t.After(now) {
		return t, fmt.Errorf(`--until takes a duration ("4h") or a time to come ("2026-01-06T08:00:00Z"), not %q`, text)
	}
	return t, nil
}
