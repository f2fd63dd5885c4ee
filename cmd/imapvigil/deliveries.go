package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/api"
)

func (p *program) deliveriesCommand() *cobra.Command {
	var retry, dismiss, by, since string
	var all bool
	c := &cobra.Command{
		Use:   "deliveries",
		Short: "List undelivered messages; retry or dismiss one",
		Long: "List undelivered messages: those that are tried again, with the time of the next\n" +
			"attempt, those that wait, and those that were given up. What was given up can be\n" +
			"sent again, or dismissed: then it needs no more attention.",
		Example: examples(
			"Which messages were not delivered, and what did the mail server say?", "imapvigil deliveries",
			"The mail server works again: send one message again", "imapvigil deliveries --retry iv_1a2b3c",
			"It need not arrive any more", "imapvigil deliveries --dismiss iv_1a2b3c",
		),
		GroupID:     groupDaily,
		Annotations: exitCodes("listed, retried or dismissed", "not"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := p.clientAs(cmd, by)
			if retry != "" && dismiss != "" {
				return errors.New("deliveries takes only one of --retry and --dismiss")
			}
			start, err := p.parseSince(since)
			if err != nil {
				return err
			}
			list, err := client.Incidents(cmd.Context())
			switch {
			case err != nil:
				return err
			case retry != "":
				return p.eachGivenUp(cmd.Context(), list.Incidents, retry, client.Redeliver, "tried again")
			case dismiss != "":
				return p.eachGivenUp(cmd.Context(), list.Incidents, dismiss, client.Dismiss, "dismissed")
			}
			messages := api.NewDeliveries(list.Incidents, all).Deliveries
			return p.printDeliveries(slices.DeleteFunc(messages, func(d api.DeliveryOf) bool { return d.At.Before(start.At) }))
		},
	}
	c.Flags().StringVar(&retry, "retry", "", `send this message, which was given up, again; "all" for all of them`)
	c.Flags().StringVar(&dismiss, "dismiss", "", `take this message, which was given up, off the list; "all" for all of them`)
	c.Flags().BoolVar(&all, "all", false, "list those that were delivered or dismissed, too")
	c.Flags().StringVar(&since, "since", "", `only those since then: "24h", "22:00", "yesterday", "2026-11-30"`)
	p.byFlag(c, &by)
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	p.utcFlag(c)
	return c
}

// eachGivenUp does something with the message that a key stands for, or with all that were
// given up.
func (p *program) eachGivenUp(ctx context.Context, incidents []api.Incident, key string, do func(context.Context, string) error, done string) error {
	keys, err := givenUp(incidents, key)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := do(ctx, key); err != nil {
			return err
		}
		p.printf("Message %s is %s.\n", key, done)
	}
	return nil
}

// shortestKey is how much of a key must be typed at least: "iv_" and three characters.
const shortestKey = 6

// givenUp returns the keys that a word stands for: all, the key of a message, or the
// beginning of one key alone. What the daemon refuses, it gives the reason for.
func givenUp(incidents []api.Incident, word string) (keys []string, err error) {
	for _, d := range api.NewDeliveries(incidents, true).Deliveries {
		key := string(d.Key)
		switch {
		case key != "" && key == word:
			return []string{key}, nil
		case word == "all" && d.Neglected() && !d.Replaced, len(word) >= shortestKey && strings.HasPrefix(key, word):
			keys = append(keys, key)
		}
	}
	switch {
	case word == "all" && len(keys) == 0:
		return nil, errors.New("no message was given up")
	case len(keys) == 0:
		return nil, fmt.Errorf("there is no message %s; imapvigil deliveries lists them with their keys", word)
	case word != "all" && len(keys) > 1:
		return nil, fmt.Errorf("%d messages begin with %s: %s", len(keys), word, strings.Join(keys, ", "))
	}
	return keys, nil
}

// askedBy returns the names of the roles that a message is for.
func askedBy(d api.Delivery) string { return joined(d.Roles) }

// destinationOf returns where a message goes to: "it_team by sms.twilio +15550100".
func destinationOf(d api.Delivery) string {
	return strings.TrimSpace(askedBy(d) + " by " + d.Notifier + " " + d.Target)
}

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

// mostItems is how many incidents of a message are listed.
const mostItems = 10

func (p *program) printDeliveries(list []api.DeliveryOf) error {
	if p.json {
		return p.printJSON(api.Deliveries{Deliveries: list})
	}
	if len(list) == 0 {
		p.printf("No messages.\n")
	}
	neglected := false
	for _, d := range list {
		p.printDelivery(d)
		neglected = neglected || d.Neglected() && !d.Replaced
	}
	if neglected {
		p.printf("\n%s\n", p.fold("", "To send one again that was given up: imapvigil deliveries --retry KEY. If it need not arrive any more: imapvigil deliveries --dismiss KEY."))
	}
	return nil
}

func (p *program) printDelivery(d api.DeliveryOf) {
	state := string(d.State)
	switch {
	case d.DismissedAt != nil:
		state = "dismissed"
	case d.Replaced:
		state = "replaced"
	}
	// A message that is held has no key yet.
	p.printf("%s  %s  %s\n", cmp.Or(string(d.Key), "not sent yet"), state, p.formatTime(d.At))
	p.printf("%s\n", p.fold("    ", fmt.Sprintf("to %s, %s", destinationOf(d.Delivery), plural(d.Attempts, "attempt"))))
	if d.NextAttemptAt != nil {
		p.printf("%s\n", p.fold("    ", "next attempt "+p.formatTime(*d.NextAttemptAt)))
	}
	if d.DismissedAt != nil {
		who := "dismissed " + p.formatTime(*d.DismissedAt)
		if d.DismissedBy != "" {
			who += " by " + d.DismissedBy
		}
		p.printf("%s\n", p.fold("    ", who))
	}
	for i, item := range d.Items {
		if i == mostItems {
			p.printf("    and %d more\n", len(d.Items)-i)
			break
		}
		p.printf("%s\n", p.fold("    ", fmt.Sprintf("%s %s (%s)", item.Says, item.Check, item.Incident)))
	}
	if !d.Answer.IsZero() {
		p.printf("%s\n", p.fold("    > ", p.answerOf(d.Delivery)))
	}
}
