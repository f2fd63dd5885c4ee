package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// What plan ends with, as terraform's -detailed-exitcode has it.
const (
	planInvalid = 1
	planChanges = 2
)

func (p *program) planCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "plan [PATH]",
		Short: "Show what a reload would change in the running daemon",
		Long: "Show what a reload would change in the running daemon. Without PATH the daemon reads\n" +
			"its own files. PATH is read by this command, so that it may be any copy or checkout,\n" +
			"and compared by the daemon; without a daemon, with what it applied last.",
		Example: examples(
			"The files of the daemon", "imapvigil plan",
			"Other files: a copy that you have changed", "imapvigil plan /tmp/new",
			"In CI: 0 nothing to do, 2 changes, 1 errors", "imapvigil plan --json conf",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("nothing to do", "errors in the files", "changes"),
		Args:        takes(0, 1, "a directory or a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.plan(cmd, args)
		},
	}
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, stateFlag, controlFlag)
	return c
}

// plan compares files with what runs: those of the daemon, which reads them as a reload
// would, or those that are named, which are read here, by whoever calls.
func (p *program) plan(cmd *cobra.Command, args []string) error {
	named := len(args) > 0 || cmd.Flags().Changed("config")
	if len(args) > 0 && !cmd.Flags().Changed("config") && !pathExists(p.configPath) {
		p.configPath = args[0] // which says where the daemon is, as nothing else does
	}
	client := p.client(cmd)
	if !named {
		plan, err := client.Plan(cmd.Context(), nil)
		if errors.Is(err, api.ErrNoDaemon) {
			plan, err = p.planFromLastGood(p.configPath)
		}
		if err != nil {
			return err
		}
		return p.showPlan(plan, false)
	}
	path := p.pathArg(args)
	if path != "" { // else it would be the working directory
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		path = absolute
	}
	plan, err := p.planNamed(cmd.Context(), client, path)
	if err != nil {
		return err
	}
	return p.showPlan(plan, true)
}

func pathExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// planNamed has the daemon compare the files at a path.
func (p *program) planNamed(ctx context.Context, client *api.Client, path string) (api.Plan, error) {
	cfg, diags, s := p.loadAndJudge(path, source.Options{TrustUnread: true})
	// Nothing is known of files that the caller may not read, so nothing is said of them.
	if cfg == nil && p.denied != "" {
		return api.Plan{}, access.Denied(p.denied)
	}
	unreadable, err := unreadableAs("", path, s)
	if err != nil {
		return api.Plan{}, err
	}
	diags = append(diags, unreadable...)
	plan := api.Plan{Diff: config.Compare(nil, nil), Renames: []config.Move{}, Diagnostics: api.NewDiagnostics(diags)}
	// A variable may be set for the daemon alone.
	if (cfg == nil || len(unreadable) > 0) && (s == nil || !onlyAbout(diags, "env")) {
		return plan, nil
	}
	files := s.Pack()
	plan, err = client.Plan(ctx, &files)
	if errors.Is(err, api.ErrNoDaemon) {
		return p.planFromLastGood(path)
	}
	// The daemon does not see how they lie here.
	plan.Diagnostics = append(plan.Diagnostics, api.NewDiagnostics(aboutFiles(diags))...)
	return plan, err
}

// onlyAbout reports whether all errors are of one rule.
func onlyAbout(diags []config.Diagnostic, rule string) bool {
	return !slices.ContainsFunc(diags, func(d config.Diagnostic) bool { return d.Gravity == config.Error && d.Rule != rule })
}

// aboutFiles returns what is said of files and directories as such.
func aboutFiles(diags []config.Diagnostic) []config.Diagnostic {
	return slices.DeleteFunc(slices.Clone(diags), func(d config.Diagnostic) bool {
		return !slices.ContainsFunc(source.Rules, func(r *config.Rule) bool { return r.ID == d.Rule })
	})
}

// planFromLastGood compares the files with what the daemon applied last, when
// none is running. Secrets are left out on both sides: those of credentials are
// the daemon's to read, those that stand in the files are not kept.
func (p *program) planFromLastGood(path string) (plan api.Plan, err error) {
	plan.Diff, plan.Renames = config.Compare(nil, nil), []config.Move{}
	cfg, diags, s := p.loadAndJudge(path, source.Options{NoCredentials: true})
	if cfg == nil && p.denied != "" {
		return plan, access.Denied(p.denied)
	}
	plan.Diagnostics = api.NewDiagnostics(diags)
	if cfg == nil {
		return plan, nil
	}
	// Without its secrets, as what was kept: else each would look changed.
	after, err := hclfile.WithoutSecrets(s)
	if err != nil {
		return plan, err
	}
	compared := "No daemon is running: compared with what it applied last."
	before, err := daemon.LastGood(p.configuredState(), p.daemon)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		compared = "No daemon is running and nothing has been applied yet: every check is new."
	case err != nil:
		return plan, deniedOr(p.configuredState(), err)
	}
	// On the standard error: the standard output may be JSON.
	_, _ = fmt.Fprintln(p.err, compared)
	plan.Diff = config.Compare(before, after)
	plan.Renames = append(plan.Renames, config.Renames(plan.Diff, before, after)...)
	plan.Diagnostics = append(plan.Diagnostics, api.NewDiagnostics(daemon.Foretell(p.configuredState(), p.daemon, cfg, s))...)
	return plan, nil
}

// showPlan prints a plan, of files that were named or of the daemon's; its exit code says whether there is an error or a change.
func (p *program) showPlan(plan api.Plan, named bool) error {
	diags := diagnosticsOf(plan.Diagnostics)
	if p.json {
		plan.Diagnostics = apiDiagnostics(diags)
		if err := p.printJSON(plan); err != nil {
			return err
		}
	} else {
		p.printPlan(plan, diags, named)
	}
	switch {
	case config.HasErrors(diags):
		return exit(planInvalid)
	case !plan.IsEmpty():
		return exit(planChanges)
	}
	return nil
}

// diagnosticsOf returns the diagnostics that crossed the socket.
func diagnosticsOf(list []api.Diagnostic) []config.Diagnostic {
	diags := make([]config.Diagnostic, 0, len(list))
	for i := range list {
		diags = append(diags, list[i].Config())
	}
	return diags
}

func (p *program) printPlan(plan api.Plan, diags []config.Diagnostic, named bool) {
	p.printDiagnostics(p.err, diags)
	if config.HasErrors(diags) {
		p.printf("The files are invalid: a reload would be rejected and change nothing.\n")
		return
	}
	p.printIDs("ok", "+", plan.Added, len(plan.Added))
	p.printIDs("down", "-", plan.Removed, len(plan.Removed))
	for _, m := range plan.Moved {
		p.printf("%s %s -> %s\n", p.paint("recovering", ">"), m.From, m.To)
	}
	for _, c := range plan.Changed {
		p.printf("%s %s\n", p.paint("failing", "~"), c.ID)
		for _, a := range c.Attributes {
			p.printf("    %s: %s -> %s\n", a.Name, quoteOldOrNew(a.Old), quoteOldOrNew(a.New))
		}
	}
	for _, name := range plan.Elsewhere {
		p.printf("%s %s\n", p.paint("failing", "~"), name)
	}
	for _, kept := range plan.Kept {
		p.printf("= incident %s stays open, with %s\n", kept.ID, kept.Check)
	}
	for _, id := range plan.Orphaned {
		p.printf("! incident %s would lose its check, and end as removed after 10 minutes\n", id)
	}
	p.printf("%d to add, %d to change, %d to move, %d to remove, %d unchanged.\n",
		len(plan.Added), len(plan.Changed), len(plan.Moved), len(plan.Removed), plan.Unchanged)
	if n := len(plan.Elsewhere); n > 0 {
		p.printf("Beside the checks, %s would change.\n", plural(n, "block"))
	}
	if plan.Reload == config.ReloadAuto {
		text := `The daemon applies its files as they are saved (reload = "auto").`
		if !named {
			text += " To see the effect before, change a copy: imapvigil plan PATH"
		}
		p.printf("%s\n", p.fold("", text))
		p.printLastReload(plan.LastReload)
	}
	p.printRenames(plan.Renames)
}

// quoteOldOrNew returns a value as a plan shows it.
func quoteOldOrNew(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}
