package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// validation is what `validate --json` prints.
type validation struct {
	Valid       bool             `json:"valid"`
	Checks      int              `json:"checks"`
	Diagnostics []api.Diagnostic `json:"diagnostics"`
}

func (p *program) validateCommand() *cobra.Command {
	var verbose, strict, noCredentials bool
	var replace []string
	var as string
	c := &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check the configuration files, without the daemon",
		Example: examples(
			"The files of the daemon", "sudo imapvigil validate",
			"Before they are installed, where there are no secrets", "imapvigil validate --no-credentials --strict conf",
			"One new file, in its place among the others", "imapvigil validate --replace /etc/imapvigil/mx1.hcl=mx1.hcl",
		),
		GroupID:     groupStart,
		Annotations: exitCodes("valid", "errors"),
		Args:        takes(0, 1, "a directory or a file"),
		RunE: func(_ *cobra.Command, args []string) error {
			o := source.Options{NoCredentials: noCredentials}
			var err error
			if o.Replace, err = replacements(replace); err != nil {
				return err
			}
			return p.validate(p.pathArg(args), o, as, verbose, strict)
		},
	}
	c.Flags().BoolVar(&verbose, "verbose", false, "list the files that are read and those that are ignored")
	c.Flags().BoolVar(&strict, "strict", false, "treat warnings as errors")
	c.Flags().BoolVar(&noCredentials, "no-credentials", false, "do not read credentials (for CI, where there are no secrets)")
	c.Flags().StringArrayVar(&replace, "replace", nil, "check the whole tree as if FILE stood in the place of DEST")
	c.Flags().StringVar(&as, "as", "", "check that this user can read everything, too (root, for "+defaultConfig+": the daemon's user)")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag)
	return c
}

// pathArg returns the path of the configuration that a command was given as its argument.
func (p *program) pathArg(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return p.configPath
}

// replacements returns what --replace asks for: the paths of files, by those that they
// replace.
func replacements(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, r := range list {
		dest, file, ok := strings.Cut(r, "=")
		if !ok || dest == "" || file == "" {
			return nil, fmt.Errorf("--replace takes DEST=FILE, not %q", r)
		}
		m[dest] = file
	}
	return m, nil
}

func (p *program) validate(path string, o source.Options, as string, verbose, strict bool) error {
	cfg, diags, s := p.loadAndJudge(path, o)
	unreadable, err := unreadableAs(as, path, s)
	if err != nil {
		return err
	}
	diags = append(diags, unreadable...)
	valid := cfg != nil && !config.HasErrors(diags) && (!strict || len(diags) == 0)
	if p.json {
		v := validation{Valid: valid, Diagnostics: apiDiagnostics(diags)}
		if cfg != nil {
			v.Checks = len(cfg.Checks)
		}
		if err := p.printJSON(v); err != nil {
			return err
		}
	} else {
		p.printValidation(path, cfg, diags, s, verbose, valid)
	}
	if !valid {
		return exit(1)
	}
	return nil
}

// loadAndJudge reads and loads; the snapshot is nil when there was nothing to read.
func (p *program) loadAndJudge(path string, o source.Options) (*config.Config, []config.Diagnostic, *source.Snapshot) {
	s, err := p.readSnapshot(path, o)
	if err != nil {
		return nil, []config.Diagnostic{asDiagnostic(err)}, nil
	}
	cfg, diags := hclfile.Load(s)
	return cfg, diags, s
}

func (p *program) printValidation(path string, cfg *config.Config, diags []config.Diagnostic, s *source.Snapshot, verbose, valid bool) {
	p.printDiagnostics(p.err, diags)
	if verbose && s != nil {
		for _, f := range s.Files() {
			p.printf("read     %s\n", f.Name)
		}
		for _, f := range s.Ignored() {
			p.printf("ignored  %s\n", f)
		}
	}
	switch {
	case valid:
		p.printf("%s is valid: %s\n", path, countBlocks(cfg))
	case cfg != nil && !config.HasErrors(diags):
		// Nothing else would say why the exit code is 1.
		_, _ = fmt.Fprintf(p.err, "\n%s has warnings, and --strict treats them as errors.\n", path)
	}
}

func countBlocks(cfg *config.Config) string {
	text := fmt.Sprintf("%s, %s, %s", plural(len(cfg.Checks), "check"), plural(len(cfg.Servers), "server"),
		plural(len(cfg.Roles), "notification role"))
	if cfg.Cluster != nil {
		text += ", " + plural(len(cfg.Cluster.Nodes), "node")
	}
	return text
}

// plural returns a number and a word, which gets an s for any number but 1.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// apiDiagnostics returns diagnostics as --json prints them.
func apiDiagnostics(diags []config.Diagnostic) []api.Diagnostic {
	list := api.NewDiagnostics(diags)
	for i := range list {
		// They cross the socket for the text form, and are no part of the interface.
		list[i].Excerpt, list[i].Mark, list[i].Rule = "", nil, ""
	}
	return list
}
