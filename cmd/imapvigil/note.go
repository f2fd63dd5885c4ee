package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func (p *program) noteCommand() *cobra.Command {
	var public bool
	var by string
	c := &cobra.Command{
		Use:   "note INCIDENT TEXT",
		Short: "Add a note to an incident, open or over",
		Long: "Add a note to an incident, for colleagues who read of it: incidents INCIDENT and\n" +
			"the status page show it with its author. Nobody is notified. With --public the\n" +
			"public page shows its text, too. INCIDENT is the id of an incident, open or over,\n" +
			"or a check, server or group: then each of its open incidents gets the note.",
		Example: examples(
			"What was found out", `imapvigil note 8wswsqxagv "the provider has lost a line; ticket 4711"`,
			"For customers, on the public page", `imapvigil note 8wswsqxagv --public "We are replacing a disk. Mail is safe."`,
			"After it is over, for a colleague", `imapvigil note 8wswsqxagv --by anna "it was the disk"`,
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("noted", "not noted"),
		SuggestFor:  []string{"comment", "annotate"},
		Args:        takes(2, anyNumber, "an incident and what to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, text := p.clientAs(cmd, by), strings.Join(args[1:], " ")
			if strings.TrimSpace(text) == "" {
				return errors.New("a note must not be empty")
			}
			all, err := client.Incidents(cmd.Context())
			if err != nil {
				return err
			}
			list := incidentsCalled(all.Incidents, args[0])
			if list == nil {
				if list, err = incidentsOf(cmd.Context(), client, all.Incidents, args[0]); err != nil {
					return fmt.Errorf("%w; %s", err, listOpen(all.Incidents, incident.StatusOpen))
				}
			}
			err = p.forEachIncident(list, func(i api.Incident) error {
				noted, err := client.Note(cmd.Context(), i.ID, text, public)
				if err == nil {
					p.printNoted(noted)
				}
				return err
			})
			p.warnLong("note", text)
			return err
		},
	}
	c.Flags().BoolVar(&public, "public", false, "show the text on the public page, too")
	p.byFlag(c, &by)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}

// incidentsCalled returns the incident with an id, open or over; nil: there is none.
func incidentsCalled(all []api.Incident, id string) []api.Incident {
	for _, i := range all {
		if i.IsCalled(incident.ID(id)) {
			return []api.Incident{i}
		}
	}
	return nil
}

func (p *program) printNoted(n api.Noted) {
	who := ""
	if n.By != "" {
		who = " by " + n.By
	}
	where := "colleagues see it"
	if n.Public {
		where = "the public page shows it, too"
	}
	p.printf("Incident %s has a note%s (%s); %s.\n", n.Incident, who, n.Check, where)
}
