package notifiertest

import (
	"fmt"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// began is when the incidents of the suite began.
var began = time.Date(2026, 11, 23, 17, 47, 5, 0, time.UTC)

// Message returns an opening.
func Message(key string) notifiers.Message {
	return notifiers.Message{
		Key: key, At: began.Add(5 * time.Minute), Role: "it_team", RoleLabel: "IT team", Monitor: "vigil1.example.net",
		Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: Incident()}},
	}
}

// Messages returns one of every transition, and the test message.
func Messages() (messages []notifiers.Message) {
	for _, transition := range []notifiers.Transition{
		notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated, notifiers.Closed, notifiers.Test,
	} {
		m := Message(fmt.Sprint("key-", transition))
		m.Items[0].Transition = transition
		switch transition {
		case notifiers.Closed:
			in := &m.Items[0].Incident
			in.State, in.ClosedAs, in.EndedAt = "closed", "recovered", began.Add(4*time.Minute)
		case notifiers.Test:
			m.Items = nil
		case notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated:
		}
		messages = append(messages, m)
	}
	return messages
}

// Incident returns an open one, every field of it set.
func Incident() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD6Z", Check: "mx1/office", Label: "IMAP on the web port", Server: "mx1", ServerLabel: "Mail 1",
		Groups: []string{"europe", "germany"}, GroupLabels: []string{"Europe", "Germany"}, Description: "Used by the office in Bonn.", Runbook: "https://wiki.example.org/mx1?a=1&b=2",
		Condition: "service", Severity: "down", State: "open",
		Phase: "greeting", Cause: "bye", CauseText: "the server said BYE", Hint: "The server sends clients away.", Evidence: opaque.Sanitise("* BYE too busy"),
		Host: "mx1.example.org", Port: 443, Security: "starttls", Address: "192.0.2.10", Node: "vigil2",
		StartedAt: began, ReportedAt: began.Add(3 * time.Minute), URL: "https://status.example.org/incidents/01JD6Z",
	}
}
