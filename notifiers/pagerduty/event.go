package pagerduty

import (
	"cmp"
	"net/url"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// An event is the body of POST /v2/enqueue (developer.pagerduty.com, Events API v2).
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"` // trigger, acknowledge, resolve
	DedupKey   string   `json:"dedup_key"`
	Payload    *payload `json:"payload,omitempty"` // of a trigger
	Links      []link   `json:"links,omitempty"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
}

type payload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp *time.Time        `json:"timestamp,omitempty"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// What PagerDuty takes, and what keeps an event far below its 512 KB.
const (
	maxSummary = 1024 // characters
	maxField   = 255  // bytes
	maxDetail  = 4000 // bytes
)

// dedupKey names an incident for PagerDuty: ours, so that its end finds it whatever became of the
// answers before. It has at most 255 characters.
func dedupKey(id string) string { return opaque.Bounded("imapvigil/"+id, maxField) }

// actions are what PagerDuty is asked to do, by what happened. A second trigger of the same incident adds
// a line to its log.
var actions = map[notifiers.Transition]string{
	notifiers.Opened: trigger, notifiers.Changed: trigger, notifiers.Reminder: trigger, notifiers.Escalated: trigger,
	notifiers.Acknowledged: "acknowledge", notifiers.Closed: resolve,
}

const (
	trigger = "trigger"
	resolve = "resolve"
)

// events returns what a message says in events: one, and for a test message a trigger and its
// resolution.
func (n *notifier) events(t Target, m notifiers.Message) []event {
	m.Zone = nil // programs get UTC
	if m.IsTest() {
		test := n.event(trigger, m.Key)
		test.Payload = &payload{Summary: cut(m.Headline()), Source: cmp.Or(field(m.Monitor), "imapvigil"), Severity: "info", Class: "test"}
		return []event{test, n.event(resolve, m.Key)}
	}
	in := m.Items[0].Incident
	e := n.event(actions[m.Items[0].Transition], in.ID)
	if e.Action != trigger {
		return []event{e}
	}
	e.Client, e.ClientURL = "imapvigil", in.URL
	for _, l := range []link{{in.URL, "Incident " + field(in.ID)}, {in.Runbook, "Runbook"}} {
		if u, err := url.Parse(l.Href); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			e.Links = append(e.Links, l)
		}
	}
	e.Payload = &payload{
		Summary: cut(m.Items[0].Headline(m.At)), Source: cmp.Or(field(in.Host), field(in.Check), "imapvigil"), Severity: t.severity(in),
		Component: field(in.Check), Class: field(in.Condition), Details: details(m),
	}
	if len(in.Groups) > 0 {
		e.Payload.Group = field(in.Groups[0])
	}
	if !in.StartedAt.IsZero() {
		e.Payload.Timestamp = new(in.StartedAt.UTC())
	}
	return []event{e}
}

func (n *notifier) event(action, id string) event {
	return event{RoutingKey: n.key.Reveal(), Action: action, DedupKey: dedupKey(id)}
}

// details returns the facts of a message by their names, without what stands elsewhere in
// an event, and without the link that lets everybody acknowledge who sees it.
func details(m notifiers.Message) map[string]string {
	all := map[string]string{}
	for _, fact := range m.Facts(m.Items[0]) {
		switch fact.Kind {
		case notifiers.Quote: // PagerDuty hands it on to chats
			all[fact.Name] = fit.Bytes.Cut(fit.Defang(fact.Text), maxDetail)
		case notifiers.Plain:
			all[fact.Name] = fit.Bytes.Cut(fact.Text, maxDetail)
		case notifiers.Link, notifiers.Command, notifiers.Button:
		}
	}
	return all
}

func cut(text string) string   { return fit.Runes.Cut(text, maxSummary) }
func field(text string) string { return opaque.Bounded(text, maxField) }
