package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/daemon/glossary"
)

// The manual pages that are made of tables.
const (
	languagePage = "imapvigil.hcl"
	statesPage   = "imapvigil-states"
	guidesPage   = "imapvigil-notifiers"
)

func (p *program) schemaCommand() *cobra.Command {
	var manual string
	c := &cobra.Command{
		Use:   "schema",
		Short: "Print the configuration language as JSON, for editors",
		Example: examples(
			"Every attribute with its default", "imapvigil schema | jq '.blocks[] | .name, .attributes'",
			"A manual page, where it is not installed", "imapvigil schema --man=imapvigil-states | man -l -",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("printed", "an error"),
		Args:        noArguments,
		RunE: func(*cobra.Command, []string) error {
			switch manual {
			case "":
				return p.printJSON(hclfile.Schema())
			case languagePage:
				return hclfile.Manual(p.out, p.releasedAt())
			case guidesPage:
				return hclfile.Guides(p.out, p.releasedAt())
			case statesPage:
				return glossary.Page(p.out, p.releasedAt())
			}
			return fmt.Errorf("--man takes %s, %s or %s, not %q", languagePage, guidesPage, statesPage, manual)
		},
	}
	c.Flags().StringVar(&manual, "man", "", "print a manual page instead: "+languagePage+" (also for --man alone), "+guidesPage+" or "+statesPage)
	c.Flags().Lookup("man").NoOptDefVal = languagePage
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
