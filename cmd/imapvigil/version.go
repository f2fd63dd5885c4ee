package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/web/pages"
)

// version is set by the linker (-X main.version=...).
var version string

func (p *program) versionCommand() *cobra.Command {
	var licences bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: examples(
			"Which version is installed?", "imapvigil version",
			"For an inventory", "imapvigil version --json",
			"Whose scripts does the status page contain?", "imapvigil version --licences",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("printed", "an error"),
		Args:        noArguments,
		RunE: func(*cobra.Command, []string) error {
			if licences {
				p.printf("%s", pages.Licences())
				return nil
			}
			if p.json {
				return p.printJSON(map[string]string{
					"version": release(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			p.printf("%s", versionLine())
			return nil
		},
	}
	p.jsonFlag(c)
	c.Flags().BoolVar(&licences, "licences", false, "print the licences of the scripts of others that the status page contains")
	return c
}

// versionLine returns what --version prints.
func versionLine() string {
	return fmt.Sprintf("imapvigil %s (%s, %s/%s)\n", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release returns the version: what the linker set, or else what the go command knows.
func release() string {
	if version != "" {
		return version
	}
	// Set by "go install ...@version"; a build from a checkout may have "(devel)".
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
