package main

import (
	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/moment"
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
			end, err := p.parseUntil(until)
			if err != nil {
				return err
			}
			if err := p.client(cmd).Acknowledge(cmd.Context(), incident.ID(args[0]), reason, end.At); err != nil {
				return err
			}
			p.printf("Incident %s is acknowledged%s.\n", args[0], p.untilWords(end.At))
			p.printNote(end)
			p.warnLongReason(reason)
			return nil
		},
	}
	c.Flags().StringVarP(&reason, "reason", "m", "", "comment, shown by incidents and in messages")
	c.Flags().StringVar(&until, "until", "", "when the acknowledgement expires: "+moment.Forms)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
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
