package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) recheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "recheck CHECK...",
		Short: "Run checks now in the daemon; the results count",
		Long:  "Run checks now in the daemon; the results count like scheduled ones.",
		Example: examples(
			"The server is repaired: do not wait for the next probe", "imapvigil recheck mx1",
			"One check", "imapvigil recheck mx1/imaps",
			"For a script", "imapvigil recheck mx1/imaps --json",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("all well", "some degraded", "some down", "could not be probed"),
		Args:        takes(1, anyNumber, "a check, or a server or group with checks"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := recheck(cmd.Context(), p.client(cmd), args)
			if err != nil {
				return err
			}
			return p.printReports(reports)
		},
	}
	p.jsonFlag(c)
	p.utcFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// chosenChecks asks the daemon for the checks that are named, or those of servers and groups
// that are not paused; without names, for all that are not.
func chosenChecks(ctx context.Context, client *api.Client, names []string) ([]config.CheckID, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	var ids []config.CheckID
	if len(names) == 0 {
		for i := range status.Checks {
			ids = append(ids, status.Checks[i].ID)
		}
	} else if ids, err = directoryOf(status.Checks).Checks(names...); err != nil {
		return nil, err
	}
	for i := range status.Checks {
		c := &status.Checks[i]
		if c.State == incident.CheckPaused && !slices.Contains(names, string(c.ID)) {
			ids = slices.DeleteFunc(ids, func(id config.CheckID) bool { return id == c.ID })
		}
	}
	switch {
	case len(ids) > 0:
		return ids, nil
	case len(names) > 0:
		return nil, fmt.Errorf("all checks of %s are paused", strings.Join(names, ", "))
	}
	return nil, errors.New("there is no check that is not paused")
}

// recheck asks the daemon to probe some checks now, and returns what it found. The results count.
func recheck(ctx context.Context, client *api.Client, names []string) ([]api.Report, error) {
	ids, err := chosenChecks(ctx, client, names)
	if err != nil {
		return nil, err
	}
	reports := make([]api.Report, len(ids))
	var g errgroup.Group
	// The daemon answers few at a time; it has its own bound on probes.
	g.SetLimit(8)
	for i, id := range ids {
		g.Go(func() (err error) {
			reports[i], err = client.Recheck(ctx, id)
			return err
		})
	}
	return reports, g.Wait()
}
