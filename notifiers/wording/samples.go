package wording

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A sample is a message with which templates are tried.
type sample struct {
	name string
	notifiers.Message
}

// began is when the incidents of the samples began.
var began = time.Date(2026, 11, 23, 17, 47, 5, 0, time.UTC)

// samples returns messages of every transition, about one incident and several, about the
// monitor itself, with hostile words, and the test message.
func samples() []sample {
	all := []sample{{"a test message", message()}}
	for _, transition := range []notifiers.Transition{
		notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated, notifiers.Closed, notifiers.Acknowledged,
	} {
		item := func(in notifiers.Incident) notifiers.Item { return itemFor(transition, in) }
		name := "a message about "
		for _, n := range []int{1, 3, MaxItems} {
			var items []notifiers.Item
			for i := range n {
				items = append(items, item(incident(i)))
			}
			all = append(all, sample{fmt.Sprintf("%s%d %s (%s)", name, n, plural("incident", n), transition), message(items...)})
		}
		all = append(all,
			sample{fmt.Sprintf("%san incident of the monitor itself (%s)", name, transition), message(item(ofMonitor()))},
			sample{fmt.Sprintf("%sa check with quotes and markup in its words (%s)", name, transition), message(item(hostile()))})
	}
	untold := itemFor(notifiers.Closed, incident(0))
	untold.OpeningUntold = true
	mixed := message(itemFor(notifiers.Closed, incident(0)), itemFor(notifiers.Opened, incident(1)))
	return append(all, sample{"the end of an incident of which nothing was sent before", message(untold)}, sample{"a message about an opening and an end", mixed})
}

// single returns the samples that programs get: one transition a message.
func single(all []sample) (few []sample) {
	for _, s := range all {
		if len(s.Items) <= 1 {
			few = append(few, s)
		}
	}
	return few
}

func message(items ...notifiers.Item) notifiers.Message {
	return notifiers.Message{
		Key: "iv_sample", At: began.Add(5 * time.Minute), Role: "it_team", RoleLabel: "IT team",
		Monitor: "vigil1.example.net", Zone: time.FixedZone("CET", 3600), Items: items,
	}
}

func itemFor(transition notifiers.Transition, in notifiers.Incident) notifiers.Item {
	switch transition {
	case notifiers.Closed:
		in.State, in.ClosedAs, in.EndedAt = "closed", "recovered", in.StartedAt.Add(2*time.Minute)
	case notifiers.Acknowledged:
		in.State = "acknowledged"
		in.Acknowledgement = notifiers.Acknowledgement{By: "Ann", Reason: "I am on it", Until: in.StartedAt.Add(time.Hour)}
	case notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated, notifiers.Test:
	}
	return notifiers.Item{Transition: transition, Incident: in}
}

// incident returns one of several, with all that an incident can have.
func incident(i int) notifiers.Incident {
	server := fmt.Sprintf("mx%d", i+1)
	return notifiers.Incident{
		ID: fmt.Sprintf("01JD6Z0000000000000000%04d", i), Check: server + "/imaps", Label: "IMAP for everybody", Server: server, ServerLabel: fmt.Sprintf("Mail server %d", i+1),
		Groups: []string{"europe", "germany"}, GroupLabels: []string{"Europe", "Germany"}, Description: "Used by the office in Bonn.\nAsk Ann first.", Runbook: "https://wiki.example.org/" + server,
		Condition: "service", Severity: "down", State: "open", Phase: "greeting", Cause: "bye", CauseText: "the server said BYE",
		Hint: "The server sends clients away. See its log.", Evidence: opaque.Sanitise("* BYE too many connections, try again later"),
		Host: server + ".example.org", Port: 993, Security: "tls", Address: "192.0.2.10", Node: "vigil1.example.net", Affected: []string{server + "/login"},
		StartedAt: began, ReportedAt: began.Add(3 * time.Minute), URL: fmt.Sprintf("https://status.example.org/i/01JD6Z0000000000000000%04d", i),
		AcknowledgeURL: "https://status.example.org/a/01JD6Z0000000000000000.it_team.1795542725.pn0aUPQ0mFyD4x1Vwl2XkO2d0TqkQeTj7m2Y3lGZ9uE",
	}
}

// ofMonitor returns an incident of the monitor itself, which has no server, groups or
// endpoint.
func ofMonitor() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD710000000000000000000M", Check: "imapvigil:messages", Label: "imapvigil itself", Condition: "monitor", Severity: "degraded", State: "open",
		Cause: "undelivered", CauseText: "messages are not being delivered", Hint: "Messages to it_team by sms.twilio are not being delivered. Look there.",
		Node: "vigil1.example.net", StartedAt: began, ReportedAt: began,
	}
}

// hostile returns an incident whose words have in them what breaks quoting and markup.
func hostile() notifiers.Incident {
	const words = "a\"b'c\\d`e <b>&amp; {{.Text}} ${x} %{y} [x](http://example.org) *_~|#@everyone <!channel> \u202eabc\x00\x1b[31m\r\nd"
	in := incident(0)
	in.Label, in.ServerLabel, in.Description, in.Hint, in.CauseText = words, words, words+"\n"+words, words, words
	in.Evidence = opaque.Sanitise(strings.Repeat(words, 20))
	in.GroupLabels = []string{words, words}
	in.Affected = []string{words, words}
	return in
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
