package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/history"
)

func (p *program) historyExportCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "export",
		Short: "Print all of the history as CSV, JSON lines or SQLite",
		Long: "Print all of the history: when each check was absent, paused, in maintenance or\n" +
			"unknown, its incidents and their episodes, the figures of each hour and day, and\n" +
			"the certificates. It needs no daemon, and may be read while one runs. Do not copy\n" +
			"the file of the history itself: it lacks what was written last.",
		Example: examples(
			"For a spreadsheet", "imapvigil history export > history.csv",
			"For a program", `imapvigil history export --format jsonl | jq 'select(.kind == "incident")'`,
			"A copy of the database", "imapvigil history export --format sqlite > history.db",
		),
		Annotations: exitCodes("printed", "an error, or there is no history"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			formats, err := lookup.Words("format", []string{format}, history.Formats())
			if err != nil {
				return err
			}
			return p.exportHistory(cmd, formats[0])
		},
	}
	c.Flags().StringVar(&format, "format", string(history.CSV), `"csv", "jsonl" (a JSON object a line) or "sqlite" (a database)`)
	p.placeFlags(c, configFlag, stateFlag)
	return c
}

func (p *program) exportHistory(cmd *cobra.Command, format history.Format) error {
	if out, ok := p.out.(*os.File); ok && format == history.SQLite && term.IsTerminal(int(out.Fd())) {
		return errors.New("a database is not for a terminal: write > history.db behind the command")
	}
	path := filepath.Join(p.configuredState(), "history.db")
	file, err := history.OpenFile(cmd.Context(), path)
	if err != nil {
		return fmt.Errorf("the history cannot be read: %w", deniedOr(path, err))
	}
	defer func() { _ = file.Close() }()
	out := bufio.NewWriter(p.out)
	if err := file.Export(cmd.Context(), format, out); err != nil {
		return err
	}
	return out.Flush()
}
