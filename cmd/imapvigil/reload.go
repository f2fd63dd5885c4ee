package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) reloadCommand() *cobra.Command {
	var shrink bool
	c := &cobra.Command{
		Use:   "reload",
		Short: "Have the daemon read its files, and wait for the verdict",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.reload(cmd.Context(), p.client(cmd), shrink)
		},
	}
	c.Flags().BoolVar(&shrink, "allow-shrink", false, "apply it even if most checks, or all, would be removed")
	p.jsonFlag(c)
	return c
}

func (p *program) reload(ctx context.Context, client *api.Client, shrink bool) error {
	v, err := client.Reload(ctx, shrink)
	if err != nil {
		return err
	}
	diags := diagnosticsOf(v.Diagnostics)
	if p.json {
		v.Diagnostics = apiDiagnostics(diags)
		if err := p.printJSON(v); err != nil {
			return err
		}
	} else {
		// Also warnings of files that were applied.
		p.printDiagnostics(p.err, diags)
		p.printf("%s\n", verdicts[v.Result])
	}
	if v.Result == api.RejectedWord {
		return exit(1)
	}
	return nil
}

var verdicts = map[string]string{
	api.Applied:      "The new configuration is applied.",
	api.Unchanged:    "Nothing has changed.",
	api.RejectedWord: "Rejected: nothing was changed, what ran before goes on.",
}
