package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (-X main.version=...).
var version string

func (p *program) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: examples(
			"Which version is installed?", "imapvigil version",
			"For an inventory", "imapvigil version --json",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("printed", "an error"),
		Args:        noArguments,
		RunE: func(*cobra.Command, []string) error {
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
