package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// testFrom has a node of the cluster probe checks, or all that are not paused, and prints what it sees.
func (p *program) testFrom(cmd *cobra.Command, o testOptions, names []string) error {
	p.json = p.json || o.format == "json"
	switch {
	case cmd.Flags().Changed("host"):
		return errors.New("--from tests a check of the files; --host is tested by this machine")
	case o.transcript:
		return errors.New("--transcript shows what this machine says; leave it out with --from")
	case !p.json && o.format != "text":
		return errors.New("--from prints text or json")
	}
	reports, err := reportsFrom(cmd.Context(), p.client(cmd), config.NodeID(o.from), names)
	if err != nil {
		return err
	}
	return p.printReports(reports)
}

// reportsFrom returns what a node finds that probes some checks now. The daemon of this machine asks it.
func reportsFrom(ctx context.Context, client *api.Client, node config.NodeID, names []string) ([]api.Report, error) {
	ids, err := chosenChecks(ctx, client, names)
	if err != nil {
		return nil, err
	}
	reports := make([]api.Report, len(ids))
	g, ctx := errgroup.WithContext(ctx) // a node that is silent is so for all of them
	g.SetLimit(8)                       // as many as a daemon tests at a time
	for i, id := range ids {
		g.Go(func() (err error) {
			reports[i], err = client.TestFrom(ctx, node, id)
			return err
		})
	}
	return reports, g.Wait()
}
