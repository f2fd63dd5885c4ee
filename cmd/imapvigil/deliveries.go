package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// deliveries is what `deliveries --json` prints: messages as they stand in
// `incidents --json`, each with the incidents that it tells of.
type deliveries struct {
	Deliveries []deliveryOf `json:"deliveries"`
}

type deliveryOf struct {
	api.Delivery
	Incidents []string `json:"incidents"`
}

func (p *program) deliveriesCommand() *cobra.Command {
	var retry string
	var all bool
	c := &cobra.Command{
		Use:   "deliveries",
		Short: "List the messages that have not arrived; try one again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := p.client(cmd)
			if retry != "" {
				if err := client.Redeliver(cmd.Context(), retry); err != nil {
					return err
				}
				p.printf("Message %s is tried again.\n", retry)
				return nil
			}
			list, err := client.Incidents(cmd.Context())
			if err != nil {
				return err
			}
			return p.printDeliveries(deliveriesOf(list.Incidents, all))
		},
	}
	c.Flags().StringVar(&retry, "retry", "", "the key of a message that was given up")
	c.Flags().BoolVar(&all, "all", false, "list those that have arrived too")
	p.jsonFlag(c)
	return c
}

// deliveriesOf turns the list around: a message can tell of many incidents.
func deliveriesOf(incidents []api.Incident, all bool) []deliveryOf {
	list, place := []deliveryOf{}, map[string]int{}
	for _, i := range incidents {
		for _, d := range i.Deliveries {
			if !all && d.State == "sent" {
				continue
			}
			name := string(d.Key)
			if name == "" { // held: what it will be told with is not decided
				name = fmt.Sprint(d.Notifier, " ", d.Target, " ", d.Roles, " ", d.Transition, " ", i.ID)
			}
			at, known := place[name]
			if !known {
				at = len(list)
				place[name] = at
				list = append(list, deliveryOf{Delivery: d})
			}
			list[at].Incidents = append(list[at].Incidents, string(i.ID))
		}
	}
	slices.SortFunc(list, func(a, b deliveryOf) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key, b.Key)) })
	return list
}

// askedBy names the roles that a message is for.
func askedBy(d api.Delivery) string { return joinRoles(d.Roles) }

func joinRoles(roles []config.RoleID) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// answerOf gives the answer to a message, or why it is held and until when.
func answerOf(d api.Delivery) string {
	if d.Until == nil {
		return d.Answer.String()
	}
	return d.Answer.String() + "; there is room at " + stamp(*d.Until)
}

func (p *program) printDeliveries(list []deliveryOf) error {
	if p.json {
		return p.printJSON(deliveries{list})
	}
	if len(list) == 0 {
		p.printf("No messages.\n")
	}
	for _, d := range list {
		p.printf("%s  %s  %s\n", cmp.Or(string(d.Key), "not sent yet"), d.State, stamp(d.At))
		to := strings.TrimSpace(askedBy(d.Delivery) + " by " + d.Notifier + " " + d.Target)
		p.printf("%s\n", fold("    ", fmt.Sprintf("%s of %s to %s, %s", d.Transition,
			strings.Join(d.Incidents, ", "), to, plural(d.Attempts, "attempt"))))
		if !d.Answer.IsZero() {
			p.printf("%s\n", fold("    > ", answerOf(d.Delivery)))
		}
	}
	return nil
}
