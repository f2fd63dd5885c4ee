package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) deliveriesCommand() *cobra.Command {
	var retry string
	var all bool
	c := &cobra.Command{
		Use:   "deliveries",
		Short: "List undelivered messages; retry one",
		Example: examples(
			"What has not been delivered, and why?", "imapvigil deliveries",
			"The mail server works again: send it now", "imapvigil deliveries --retry 5ne3bnhkzzwfa",
			"Every message, with the answer of the receiver", "imapvigil deliveries --all",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("listed, or retried", "not"),
		Args:        noArguments,
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
			return p.printDeliveries(api.NewDeliveries(list.Incidents, all).Deliveries)
		},
	}
	c.Flags().StringVar(&retry, "retry", "", "send this message again, which was given up")
	c.Flags().BoolVar(&all, "all", false, "list the delivered ones, too")
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

// askedBy returns the names of the roles that a message is for.
func askedBy(d api.Delivery) string { return joined(d.Roles) }

// joined returns a list of names as people read it.
func joined[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

// answerOf returns the answer to a message, or why it is held and until when.
func (p *program) answerOf(d api.Delivery) string {
	if d.Until == nil {
		return d.Answer.String()
	}
	return d.Answer.String() + "; there is room at " + p.formatTime(*d.Until)
}

func (p *program) printDeliveries(list []api.DeliveryOf) error {
	if p.json {
		return p.printJSON(api.Deliveries{Deliveries: list})
	}
	if len(list) == 0 {
		p.printf("No messages.\n")
	}
	for _, d := range list {
		// A message that is held has no key yet.
		p.printf("%s  %s  %s\n", cmp.Or(string(d.Key), "not sent yet"), d.State, p.formatTime(d.At))
		to := strings.TrimSpace(askedBy(d.Delivery) + " by " + d.Notifier + " " + d.Target)
		p.printf("%s\n", fold("    ", fmt.Sprintf("%s of %s to %s, %s", d.Transition,
			joined(d.Incidents), to, plural(d.Attempts, "attempt"))))
		if !d.Answer.IsZero() {
			p.printf("%s\n", fold("    > ", p.answerOf(d.Delivery)))
		}
	}
	return nil
}
