package main

import (
	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) recheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recheck CHECK",
		Short: "Have the daemon probe now; the result counts",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := p.client(cmd).Recheck(cmd.Context(), config.CheckID(args[0]))
			if err != nil {
				return err
			}
			return p.printReports([]api.Report{report})
		},
	}
	p.jsonFlag(c)
	return c
}
