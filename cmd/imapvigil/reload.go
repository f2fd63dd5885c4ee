package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) reloadCommand() *cobra.Command {
	var shrink bool
	c := &cobra.Command{
		Use:   "reload",
		Short: "Reload the configuration and report whether it was accepted",
		Example: examples(
			"Apply what was changed", "sudo imapvigil reload",
			"The same, by systemd; it fails when the files are in error", "sudo systemctl reload imapvigil",
			"Most checks were removed on purpose", "sudo imapvigil reload --allow-shrink",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("applied, or unchanged", "rejected"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.reload(cmd.Context(), p.client(cmd), shrink)
		},
	}
	c.Flags().BoolVar(&shrink, "allow-shrink", false, "apply it even if most or all checks would be removed")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
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
		p.printVerdict(v, diags)
	}
	if v.Result == api.RejectedWord {
		return exit(1)
	}
	return nil
}

// shownIDs is how many checks a reload names that were added, and that were removed.
const shownIDs = 10

func (p *program) printVerdict(v api.Verdict, diags []config.Diagnostic) {
	// Also warnings of files that were applied.
	p.printDiagnostics(p.err, diags)
	switch v.Result {
	case api.Applied:
		p.printf("The new configuration is applied.\n%s\n", p.fold("", v.Changes+"."))
		p.printIDs("ok", "+", v.Added, shownIDs)
		p.printIDs("down", "-", v.Removed, shownIDs)
		p.printRenames(v.Renames)
		p.printLostSilences(v.LostSilences)
	case api.Unchanged:
		p.printf("Nothing has changed.\n")
		p.printLastReload(v.LastReload) // which may have applied what was just saved
	default:
		p.printf("Rejected. The previous configuration stays in effect.\n")
	}
}
