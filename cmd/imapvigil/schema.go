package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

func (p *program) schemaCommand() *cobra.Command {
	var manual bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the language as JSON: blocks, attributes, types, defaults (for editors)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if manual {
				return hclfile.Manual(p.out, time.Now())
			}
			return p.printJSON(hclfile.Schema())
		},
	}
	c.Flags().BoolVar(&manual, "man", false, "print the manual page imapvigil.hcl(5) instead")
	return c
}
