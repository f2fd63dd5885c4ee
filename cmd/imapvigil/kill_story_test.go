//go:build soak

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/outbox"
)

// mailStory tells what somebody needs to know to whom mails are missing: what the daemon
// says of the first three incidents, what the journal has about them, and what became of each
// mail.
func (s *killScenario) mailStory(missing []incident.ID) string {
	var b strings.Builder
	missing = missing[:min(len(missing), 3)]
	for _, id := range missing {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		held, err := s.client.Explain(ctx, id)
		cancel()
		words, _ := json.Marshal(held)
		fmt.Fprintf(&b, "the daemon on incident %s: %s (error %v)\n", id, words, err)
	}
	arrived := s.mails()
	mails := map[outbox.Key]bool{}
	for record, err := range journal.Read(s.path("state/journal")) {
		switch {
		case err != nil:
			fmt.Fprintf(&b, "the journal: %s\n", err)
		case strings.HasPrefix(record.Kind, "incident."):
			if slices.ContainsFunc(missing, func(id incident.ID) bool { return strings.Contains(string(record.Data), string(id)) }) {
				fmt.Fprintf(&b, "record %d, %s: %.300s\n", record.Seq, record.Kind, record.Data)
			}
		case record.Kind == "telling":
			var n outbox.Notification
			if err := json.Unmarshal(record.Data, &n); err == nil && n.NotifyID.Notifier == "email.mailroom" {
				mails[n.Key] = true
				fmt.Fprintf(&b, "record %d, mail %s, which arrived %d times: %s\n", record.Seq, n.Key, arrived[n.Key], mailWords(n, missing))
			}
		case record.Kind == "outcome":
			var o outbox.Outcome
			if err := json.Unmarshal(record.Data, &o); err == nil && mails[o.Key] {
				fmt.Fprintf(&b, "record %d, mail %s: %s at %s, next at %s, after attempt %d: %s\n",
					record.Seq, o.Key, o.State, clockTime(o.At), clockTime(o.NextAt), o.Attempts, o.Error)
			}
		}
	}
	return b.String()
}

// mailWords tells when a mail was decided, what it replaces, and what it says of incidents.
func mailWords(n outbox.Notification, of []incident.ID) string {
	var said []string
	for _, item := range n.Items {
		if slices.Contains(of, item.Incident) {
			said = append(said, fmt.Sprintf("%s %s", item.Incident, item.Transition))
		}
	}
	return fmt.Sprintf("decided at %s with %d items, among them %v, instead of %v", clockTime(n.At), len(n.Items), said, n.Replaces)
}
