package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// namedIncidents returns the open incidents that names stand for, each once: ids of
// incidents, or names of checks, servers or groups. A name that stands for none is an error
// that lists what is open.
func namedIncidents(ctx context.Context, client *api.Client, names []string) (found []api.Incident, err error) {
	all, err := client.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		list, err := incidentsOf(ctx, client, all.Incidents, name)
		if err != nil {
			return nil, fmt.Errorf("%w; %s", err, listOpen(all.Incidents, incident.StatusOpen))
		}
		for _, i := range list {
			if !slices.ContainsFunc(found, func(o api.Incident) bool { return o.ID == i.ID }) {
				found = append(found, i)
			}
		}
	}
	return found, nil
}

// incidentsOf returns the open incidents that one name stands for.
func incidentsOf(ctx context.Context, client *api.Client, all []api.Incident, name string) (list []api.Incident, err error) {
	for _, i := range all {
		switch {
		case i.IsCalled(incident.ID(name)) && i.State == incident.StatusClosed:
			return nil, fmt.Errorf("incident %s is not open: it is over (%s)", name, i.ClosedAs)
		case i.IsCalled(incident.ID(name)):
			return []api.Incident{i}, nil
		// Also a check that has left the files, and the monitor's own troubles.
		case string(i.Check) == name && i.State != incident.StatusClosed:
			list = append(list, i)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	checks, err := directoryOf(status.Checks).Checks(name)
	if err != nil {
		return nil, fmt.Errorf("there is no incident %s, and %w", name, err)
	}
	for _, i := range all {
		if i.State != incident.StatusClosed && slices.Contains(checks, i.Check) {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no open incident", name)
	}
	return list, nil
}

// acknowledgedOf returns those of a list that are acknowledged; it is an error if none is.
func acknowledgedOf(list []api.Incident) ([]api.Incident, error) {
	acknowledged := slices.DeleteFunc(slices.Clone(list), func(i api.Incident) bool { return i.State != incident.StatusAcknowledged })
	if len(acknowledged) == 0 {
		if len(list) == 1 {
			return nil, fmt.Errorf("incident %s is not acknowledged", list[0].ID)
		}
		return nil, fmt.Errorf("none of the incidents %s is acknowledged", joined(idsOf(list)))
	}
	return acknowledged, nil
}

func idsOf(list []api.Incident) (ids []incident.ID) {
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids
}

// listOpen returns what a message says of the open incidents, of which those in a state
// stand first: "open: 8wswsqxagv mx1/imaps".
func listOpen(all []api.Incident, state incident.Status) string {
	const most = 5
	open := slices.DeleteFunc(slices.Clone(all), func(i api.Incident) bool { return i.State == incident.StatusClosed })
	rank := func(i api.Incident) (place int) {
		if i.State != state {
			place += 2
		}
		if i.Severity != config.SeverityDown {
			place++
		}
		return place
	}
	slices.SortStableFunc(open, func(a, b api.Incident) int { return cmp.Compare(rank(a), rank(b)) })
	if len(open) == 0 {
		return "no incident is open"
	}
	var words []string
	for _, i := range open[:min(len(open), most)] {
		words = append(words, string(i.ID)+" "+string(i.Check))
	}
	text := "open: " + strings.Join(words, ", ")
	if rest := len(open) - most; rest > 0 {
		text += fmt.Sprintf(" and %d more (imapvigil incidents --open)", rest)
	}
	return text
}
