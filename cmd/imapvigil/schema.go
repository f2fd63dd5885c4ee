package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

func (p *program) schemaCommand() *cobra.Command {
	var manual bool
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the configuration language as JSON, for editors",
		Example: examples(
			"Every attribute with its default", "imapvigil schema | jq '.blocks[] | .name, .attributes'",
			"The manual page, where it is not installed", "imapvigil schema --man | man -l -",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("printed", "an error"),
		Args:        noArguments,
		RunE: func(*cobra.Command, []string) error {
			if manual {
				return hclfile.Manual(p.out, p.releasedAt())
			}
			return p.printJSON(hclfile.Schema())
		},
	}
	c.Flags().BoolVar(&manual, "man", false, "print the manual page imapvigil.hcl(5) instead")
	return c
}

// releasedAt returns the date of the manual: now, or when the sources are from
// (SOURCE_DATE_EPOCH, reproducible-builds.org), so that the same sources make
// the same package.
func (e environment) releasedAt() time.Time {
	if epoch, err := strconv.ParseInt(e.sourceDate, 10, 64); err == nil {
		return time.Unix(epoch, 0)
	}
	return time.Now()
}
