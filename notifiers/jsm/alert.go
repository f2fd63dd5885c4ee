package jsm

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// An alert is the body of POST /v2/alerts.
type alert struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description,omitempty"`
	Responders  []responder       `json:"responders,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Details     map[string]string `json:"details,omitempty"`
	Entity      string            `json:"entity,omitempty"`
	Source      string            `json:"source"`
	Priority    string            `json:"priority"`
}

// A change is the body of a request about an alert that is there.
type change struct {
	Source string `json:"source"`
	Note   string `json:"note,omitempty"`
}

// What the API takes, in characters. All details together may have 8,000.
const (
	maxMessage     = 130
	maxDescription = 15_000
	maxAlias       = 512
	maxEntity      = 512
	maxSource      = 100
	maxDetail      = 500
)

// A request is one call of the API.
type request struct {
	path string // behind the address of the API, escaped
	body any
}

const alerts = "/v2/alerts"

// about returns the request that does something with the alert of an alias. The alias has a slash,
// which must not become one of the path.
func about(alias, what string, body any) request {
	return request{alerts + "/" + url.PathEscape(alias) + "/" + what + "?identifierType=alias", body}
}

// requests returns what a message says in requests: one, and for a test message two. A second alert
// of the same alias counts as one more of the first.
func requests(t Target, m notifiers.Message) []request {
	m.Zone = nil // programs get UTC
	source := fit.Runes.Cut(opaque.Sanitise("imapvigil on "+m.Monitor).String(), maxSource)
	if m.IsTest() {
		test := alert{
			Message: fit.Runes.Cut(m.Headline(), maxMessage), Alias: aliasOf(m.Key), Description: m.TestText(),
			Responders: t.responders(), Tags: notifiers.SplitList(t.Tags), Source: source, Priority: "P5",
		}
		return []request{{alerts, test}, about(test.Alias, "close", change{source, "A test ends at once."})}
	}
	item := m.Items[0]
	in := item.Incident
	switch item.Transition {
	case notifiers.Closed:
		return []request{about(aliasOf(in.ID), "close", change{source, item.Headline(m.At)})}
	case notifiers.Acknowledged:
		return []request{about(aliasOf(in.ID), "acknowledge", change{source, whoAcknowledged(m)})}
	case notifiers.Opened, notifiers.Changed, notifiers.Reminder, notifiers.Escalated, notifiers.Test:
	}
	return []request{{alerts, alert{
		Message: fit.Runes.Cut(item.Headline(m.At), maxMessage), Alias: aliasOf(in.ID), Description: describe(m),
		Responders: t.responders(), Tags: notifiers.SplitList(t.Tags), Details: details(in),
		Entity: fit.Runes.Cut(opaque.Bounded(in.Check, maxEntity), maxEntity), Source: source, Priority: t.keptPriority(item),
	}}}
}

// whoAcknowledged says who works on the incident of a message.
func whoAcknowledged(m notifiers.Message) string {
	for _, fact := range m.Facts(m.Items[0]) {
		if fact.Name == "Acknowledged" {
			return "Acknowledged in imapvigil " + fact.Text
		}
	}
	return "Acknowledged in imapvigil"
}

// aliasOf names an incident for the service.
func aliasOf(id string) string { return opaque.Bounded("imapvigil/"+id, maxAlias) }

// keptPriority returns the priority with which the alert began: a change of it is another call of the
// API, and the text says what is new.
func (t Target) keptPriority(i notifiers.Item) string {
	if began := i.Thread.First.Thread; priorityForm.MatchString(began) {
		return began
	}
	return t.priority(i.Incident)
}

// describe returns the facts of a message in lines, without the link that lets everybody acknowledge
// who sees the alert. The service may show it as HTML, in which a server's words must be none.
func describe(m notifiers.Message) string {
	lines := []string{m.Items[0].Headline(m.At)}
	for _, fact := range m.Facts(m.Items[0]) {
		switch fact.Kind {
		case notifiers.Button, notifiers.Command:
		case notifiers.Plain, notifiers.Link, notifiers.Quote:
			lines = append(lines, fmt.Sprintf("%s: %s", fact.Name, fit.Defang(fact.Text)))
		}
	}
	return fit.Runes.Lines(maxDescription, lines...)
}

// details returns what rules of the service can look at. What is not known is left out.
func details(in notifiers.Incident) map[string]string {
	all := map[string]string{
		"incident": in.ID, "check": in.Check, "server": in.Server, "group": strings.Join(in.Groups, "/"), "condition": in.Condition,
		"severity": in.Severity, "phase": in.Phase, "cause": in.Cause, "host": in.Host, "url": in.URL, "runbook": in.Runbook,
	}
	for name, text := range all {
		if all[name] = opaque.Bounded(text, maxDetail); all[name] == "" {
			delete(all, name)
		}
	}
	return all
}

// faults lists what the service found wrong in the fields of a request.
func faults(all map[string]string) (text string) {
	for _, field := range slices.Sorted(maps.Keys(all)) {
		text += "; " + field + ": " + all[field]
	}
	return text
}
