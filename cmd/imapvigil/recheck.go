package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) recheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recheck CHECK",
		Short: "Have the daemon probe now; the result counts",
		Args:  cobra.ExactArgs(1),
		RunE: p.withoutDaemon(3, func(ctx context.Context, cmd *cobra.Command, args []string) error {
			report, err := p.client(cmd).Recheck(ctx, config.CheckID(args[0]))
			if err != nil {
				return err
			}
			return p.printReports([]incident.Report{report})
		}),
	}
	p.jsonFlag(c)
	return c
}
