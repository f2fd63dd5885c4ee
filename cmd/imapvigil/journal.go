package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

func (p *program) journalCommand() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "journal",
		Short: "Print the journal of incidents and messages; no daemon is needed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.journal(cmd.Context(), follow)
		},
	}
	c.Flags().BoolVar(&follow, "follow", false, "go on with what is added")
	p.jsonFlag(c)
	return c
}

func (p *program) journal(ctx context.Context, follow bool) error {
	dir := filepath.Join(p.configuredState(), "journal")
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	records := journal.Read(dir)
	if follow {
		records = journal.Follow(ctx, dir, 0)
	}
	err := p.printRecords(records)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p *program) printRecords(records iter.Seq2[journal.Record, error]) error {
	lines := json.NewEncoder(p.out)
	lines.SetEscapeHTML(false)
	for r, err := range records {
		if err != nil {
			return err
		}
		if p.json {
			if err := lines.Encode(entry{r.Seq, r.At.UTC().Format(time.RFC3339Nano), r.Kind, r.Data}); err != nil {
				return err
			}
			continue
		}
		p.printf("%8d  %s  %-22s %s\n", r.Seq, stamp(r.At), r.Kind, r.Data)
	}
	return nil
}

// entry is a record as `journal --json` prints it: one object a line.
type entry struct {
	Seq  uint64          `json:"seq"`
	At   string          `json:"at"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// configuredState is the state directory: the flag's, systemd's, or the
// configuration's.
func (p *program) configuredState() string {
	if p.stateDir != "" {
		return p.stateDir
	}
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" {
		return filepath.SplitList(dir)[0]
	}
	places, err := p.places()
	if err != nil {
		p.complain("There is no configuration that says where the state is kept, so it is looked for where it is by default. Name another directory with --state-dir.", err)
		return daemon.DefaultStateDir
	}
	return places.StateDir
}
