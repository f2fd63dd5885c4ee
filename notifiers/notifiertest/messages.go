package notifiertest

import (
	"fmt"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// began is when the incidents of the suite began.
var began = time.Date(2026, 11, 23, 17, 47, 5, 0, time.UTC)

// Message returns an opening, for people whose clocks are an hour ahead of UTC.
func Message(key string) notifiers.Message {
	return notifiers.Message{
		Key: key, At: began.Add(5 * time.Minute), Role: "it_team", RoleLabel: "IT team", Monitor: "vigil1.example.net",
		Zone:  time.FixedZone("CET", 3600),
		Items: []notifiers.Item{{Transition: notifiers.Opened, Incident: Incident()}},
	}
}

// Messages returns one of every kind of message about one incident, and the test message.
// The key of each is "key-" and its name.
func Messages() (messages []notifiers.Message) {
	for _, transition := range []notifiers.Transition{
		notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated,
	} {
		messages = append(messages, of(string(transition), notifiers.Item{Transition: transition, Incident: Incident()}))
	}
	messages = append(messages, of("acknowledged", acknowledgement()))
	for _, as := range []string{"recovered", "removed", "paused", "changed", "handed over", "merged"} {
		messages = append(messages, of("closed-as-"+strings.ReplaceAll(as, " ", "-"), closing(as)))
	}
	messages = append(messages, of("located", notifiers.Item{Transition: notifiers.Opened, Incident: located()}))
	unheard := closing("recovered")
	unheard.OpeningUntold = true
	own := notifiers.Item{Transition: notifiers.Opened, Incident: Monitor()}
	ownEnd := notifiers.Item{Transition: notifiers.Closed, Incident: over(Monitor(), "recovered")}
	return append(messages, of("unheard", unheard), of("monitor", own), of("monitor-closed", ownEnd), of("test"))
}

// Ending returns the end of the incident of [Message], whose first message, which told of it
// alone, has a receipt.
func Ending(first notifiers.Receipt) notifiers.Message { return ending(first) }

// Gathered returns what only people get: the messages of several incidents, and one with a link
// that acknowledges.
func Gathered() []notifiers.Message {
	var storm []notifiers.Item
	for i := range 25 {
		storm = append(storm, notifiers.Item{Transition: notifiers.Opened, Incident: named(fmt.Sprintf("mx%d", i+1), "imaps")})
	}
	older, unheard, soon := named("mx3", "imaps"), closing("recovered"), named("mx2", "imaps")
	older.ID, older.StartedAt = "01JD5A", began.Add(-2*time.Hour)
	unheard.Incident, unheard.OpeningUntold = over(named("mx4", "login"), "recovered"), true
	soon.Condition, soon.Severity = "certificate", "degraded"
	soon.Phase, soon.Cause, soon.CauseText = "tls", "cert_expires_soon", "the certificate expires soon"
	linked := Incident()
	linked.AcknowledgeURL = "https://status.example.org/a/01JD6Z.it_team.1795542725.pn0aUPQ0mFyD4x1Vwl2XkO2d0TqkQeTj7m2Y3lGZ9uE"
	soon.Hint, soon.Evidence = "It ends on 2026-11-30; renew it.", opaque.Words{}
	return []notifiers.Message{
		// As it happened, which is not as it should be read.
		of("gathered",
			closing("recovered"), notifiers.Item{Transition: notifiers.Closed, Incident: over(older, "recovered")}, unheard,
			notifiers.Item{Transition: notifiers.Opened, Incident: soon},
			notifiers.Item{Transition: notifiers.Opened, Incident: named("mx3", "imaps")},
			notifiers.Item{Transition: notifiers.Opened, Incident: named("mx5", "imaps")}),
		of("ends", closing("recovered"), unheard),
		of("digest", storm...),
		of("linked", notifiers.Item{Transition: notifiers.Opened, Incident: linked}),
	}
}

func of(name string, items ...notifiers.Item) notifiers.Message {
	m := Message("key-" + name)
	m.Items = items
	return m
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

// Monitor returns an open incident of the monitor itself.
func Monitor() notifiers.Incident {
	return notifiers.Incident{
		ID: "01JD71", Check: "imapvigil:messages", Label: "imapvigil itself", Condition: "monitor", Severity: "degraded", State: "open",
		Cause: "undelivered", CauseText: "messages are not being delivered",
		Hint:     "Messages to it_team by sms.twilio are not being delivered. See `imapvigil incidents 01JD6Z`. This ends when sms.twilio has delivered a message; `imapvigil notify-test it_team` sends one.",
		Evidence: opaque.Sanitise("HTTP 401, error 20003: Authenticate"), Node: "vigil1.example.net",
		StartedAt: began.Add(3 * time.Minute), ReportedAt: began.Add(3 * time.Minute),
	}
}

// located returns an open incident that some of several nodes see.
func located() notifiers.Incident {
	in := Incident()
	in.Condition, in.Severity, in.Node = "location", "degraded", "vigil1.example.net"
	in.Phase, in.Cause, in.CauseText, in.Evidence = "connect", "timeout", "no answer in time", opaque.Words{}
	in.Hint, in.From = "Look at the network between frankfurt and the server.", "1 of 3 nodes: frankfurt; well from london, new-york"
	return in
}

// named returns an open incident of a check without labels.
func named(server, check string) notifiers.Incident {
	in := Incident()
	in.ID = "01JD" + server + check[:1]
	in.Check, in.Server = server+"/"+check, server
	in.Label, in.ServerLabel = in.Check, in.Server
	in.Description, in.Runbook, in.URL, in.Node, in.Host = "", "", "", "vigil1.example.net", server+".example.org"
	return in
}

// acknowledgement tells that a person works on an incident.
func acknowledgement() notifiers.Item {
	in := Incident()
	in.State = "acknowledged"
	in.Acknowledgement = notifiers.Acknowledgement{By: "anna", Reason: "replacing a disk", Until: began.Add(2 * time.Hour)}
	return notifiers.Item{Transition: notifiers.Acknowledged, Incident: in}
}

func closing(as string) notifiers.Item {
	return notifiers.Item{Transition: notifiers.Closed, Incident: over(Incident(), as)}
}

func over(in notifiers.Incident, as string) notifiers.Incident {
	in.State, in.ClosedAs, in.EndedAt = "closed", as, in.StartedAt.Add(115*time.Second)
	switch as {
	case "handed over":
		in.HandedTo, in.From = "fra1", "seen by vigil1 alone"
	case "merged":
		alone := located()
		in.Condition, in.Severity, in.Phase, in.Cause, in.CauseText = alone.Condition, alone.Severity, alone.Phase, alone.Cause, alone.CauseText
		in.Evidence, in.From = alone.Evidence, alone.From
	}
	return in
}
