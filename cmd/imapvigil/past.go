package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// A past answers what was: the daemon, or the file of the history.
type past struct {
	directory *lookup.Directory
	report    func(context.Context, api.PeriodQuery) (api.PeriodReport, error)
	history   func(context.Context, api.HistoryQuery) (api.CheckHistory, error)
	without   string // why the daemon was not asked; empty: it was
	close     func() error
}

// openPast asks the daemon, or opens the file where none answers or --state-dir names one.
func (p *program) openPast(cmd *cobra.Command) (*past, error) {
	if !cmd.Flags().Changed(stateFlag) {
		client := p.client(cmd)
		status, err := client.Status(cmd.Context())
		if err == nil {
			return &past{directory: directoryOf(status.Checks), report: client.Report, history: client.History, close: func() error { return nil }}, nil
		}
		if !errors.Is(err, api.ErrNoDaemon) {
			return nil, err
		}
	}
	return p.openHistoryFile(cmd.Context())
}

func (p *program) openHistoryFile(ctx context.Context) (*past, error) {
	cfg, err := p.loadReadable(1)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(p.configuredState(), "history.db")
	file, err := history.OpenFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("no daemon answers, and its history cannot be read: %w", deniedOr(path, err))
	}
	return &past{
		directory: lookup.Of(cfg), close: file.Close,
		report: func(ctx context.Context, q api.PeriodQuery) (api.PeriodReport, error) {
			return api.NewPeriodReport(ctx, cfg, file, q, time.Now())
		},
		history: func(ctx context.Context, q api.HistoryQuery) (api.CheckHistory, error) {
			return api.NewCheckHistory(ctx, cfg, file, q, time.Now())
		},
		without: fmt.Sprintf("The daemon was not asked: this is what it wrote to %s until %s.", path, p.formatMinute(file.Alive)),
	}, nil
}

// printWithout says, beside what is printed, that the daemon was not asked.
func (p *program) printWithout(from *past) {
	if from.without != "" {
		_, _ = fmt.Fprintf(p.err, "%s\n", fold("", from.without))
	}
}
