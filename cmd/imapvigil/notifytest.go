package main

import (
	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
)

func (p *program) notifyTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify-test ROLE",
		Short: "Send a test message along each way of a role, and show each answer",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			trial, err := p.client(cmd).NotifyTest(cmd.Context(), config.RoleID(args[0]))
			if err != nil {
				return err
			}
			if p.json {
				if err := p.printJSON(trial); err != nil {
					return err
				}
			}
			code := 0
			for _, d := range trial.Deliveries {
				mark, state := "✓", "ok"
				if d.State != "sent" {
					mark, state, code = "✗", "down", 1
				}
				if !p.json {
					p.printf("%s %s %s\n", p.paint(state, mark), d.Notifier, d.Target)
					p.printf("%s\n", fold("    ", d.State+": "+d.Answer.String()))
				}
			}
			return exit(code)
		},
	}
	p.jsonFlag(c)
	return c
}
