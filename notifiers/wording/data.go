package wording

import (
	"reflect"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// MaxItems is how many incidents a template gets, the gravest first. Templates are tried
// with as many, so that a storm makes no text that was not tried.
const MaxItems = 25

// Data is what a template may name. All texts are plain, on one line unless it says
// otherwise, and without control characters. The tag doc is for the manual.
type Data struct {
	Transition string  `doc:"opened, changed, closed, reminder, escalated, acknowledged or test; several, where the items differ"`
	Subject    string  `doc:"the built-in subject"`
	Short      string  `doc:"the built-in text of an SMS"`
	Text       string  `doc:"the built-in text, of several lines"`
	Counts     string  `doc:"how many there are of each sort: 4 down, 1 recovered"`
	Role       string  `doc:"the role that is notified"`
	RoleLabel  string  `doc:"what people call it"`
	Monitor    string  `doc:"the machine that watches"`
	At         *Moment `doc:"when it was decided to send this"`
	Key        string  `doc:"imapvigil/ and the id of the incident, or of the message where it is not about one: the same in all messages about an incident"`
	Items      []Item  `doc:"the incidents, the gravest first, at most 25; none in a test message"`
	More       int     `doc:"how many incidents there are beyond these"`
}

// An Item is one incident of a message.
type Item struct {
	Transition     string   `doc:"what happened: opened, changed, closed, reminder, escalated or acknowledged"`
	Headline       string   `doc:"what happened, to what and why, in one line"`
	Check          string   `doc:"the id of the check"`
	Label          string   `doc:"what people call the check"`
	Server         string   `doc:"the id of the server; empty for a check outside servers"`
	ServerLabel    string   `doc:"what people call the server"`
	Groups         []string `doc:"the names of the groups, outermost first"`
	GroupLabels    []string `doc:"what people call the groups"`
	Condition      string   `doc:"what is wrong: service, certificate, latency and so on"`
	Severity       string   `doc:"down or degraded"`
	State          string   `doc:"open, acknowledged or closed"`
	ClosedAs       string   `doc:"recovered, removed, paused, changed, handed over or merged; empty while open"`
	Phase          string   `doc:"the phase that failed"`
	Cause          string   `doc:"the fixed word of the cause"`
	Reason         string   `doc:"the cause in plain words"`
	Hint           string   `doc:"what to do about it"`
	Evidence       string   `doc:"the server's last words"`
	Endpoint       string   `doc:"host, port, encryption and address"`
	From           string   `doc:"which of several nodes see it; empty where there is one"`
	Started        *Moment  `doc:"when the failure began"`
	Ended          *Moment  `doc:"when it ended; nothing while open"`
	Duration       string   `doc:"how long it lasted or has lasted: 1h 05m"`
	Affected       []string `doc:"the checks that fail because of this one"`
	URL            string   `doc:"the page of the incident, where there is one"`
	Runbook        string   `doc:"the runbook of the check"`
	Description    string   `doc:"the description of the check, perhaps of several lines"`
	Incident       string   `doc:"the id of the incident"`
	AcknowledgeURL string   `doc:"the page that acknowledges it, where there is one"`
	AcknowledgedBy string   `doc:"who acknowledged it"`
	Untold         bool     `doc:"whether this is the first message about an incident that is over"`
}

// Of returns the data of a message, with built-in words.
func Of(m notifiers.Message) Data {
	m.Own = notifiers.Words{}
	d := Data{
		Transition: transitionOf(m), Subject: m.Subject(), Short: m.Short(), Text: m.Text(), Counts: m.Counts(),
		Role: line(m.Role), RoleLabel: line(m.RoleLabel), Monitor: line(m.Monitor), At: momentOf(m, m.At), Key: keyOf(m),
	}
	items := m.Arranged()
	if len(items) > MaxItems {
		d.More = len(items) - MaxItems
		items = items[:MaxItems]
	}
	for _, item := range items {
		d.Items = append(d.Items, itemOf(m, item))
	}
	return d
}

func itemOf(m notifiers.Message, item notifiers.Item) Item {
	in := item.Incident
	it := Item{
		Transition: string(item.Transition), Headline: item.Headline(m.At), Check: line(in.Check), Label: line(in.Label),
		Server: line(in.Server), ServerLabel: line(in.ServerLabel), Groups: eachLine(in.Groups), GroupLabels: eachLine(in.GroupLabels),
		Condition: in.Condition, Severity: in.Severity, State: in.State, ClosedAs: in.ClosedAs,
		Phase: in.Phase, Cause: in.Cause, Reason: in.Reason(), Hint: line(in.Hint), Evidence: in.Evidence.String(), Endpoint: in.Endpoint(), From: line(in.From),
		Started: momentOf(m, in.Began()), Ended: momentOf(m, in.EndedAt), Duration: in.Lasted(m.At),
		Affected: eachLine(in.Affected[:min(len(in.Affected), notifiers.MaxItems)]),
		URL:      address(in.URL), Runbook: address(in.Runbook), Description: notifiers.PlainText(in.Description), Incident: line(in.ID),
		AcknowledgedBy: line(in.Acknowledgement.By), Untold: item.OpeningUntold,
	}
	// There is nothing to do where nothing is wrong any more, or somebody does it.
	if !item.Ends() && in.State != "acknowledged" {
		it.AcknowledgeURL = address(in.AcknowledgeURL)
	}
	return it
}

// transitionOf returns the transition that all items have.
func transitionOf(m notifiers.Message) string {
	if len(m.Items) == 0 {
		return string(notifiers.Test)
	}
	for _, item := range m.Items[1:] {
		if item.Transition != m.Items[0].Transition {
			return "several"
		}
	}
	return string(m.Items[0].Transition)
}

// keyOf returns the key by which another program knows what the message is about.
func keyOf(m notifiers.Message) string {
	if len(m.Items) == 1 {
		return "imapvigil/" + line(m.Items[0].Incident.ID)
	}
	return "imapvigil/" + line(m.Key)
}

func line(text string) string { return opaque.Sanitise(text).String() }

// address returns a URL without what could end it, or a line.
func address(url string) string { return strings.ReplaceAll(line(url), " ", "") }

func eachLine(texts []string) (lines []string) {
	for _, text := range texts {
		lines = append(lines, line(text))
	}
	return lines
}

// A Field is what a template may name.
type Field struct{ Name, Doc string }

// MessageFields and ItemFields list what a message and each of its items have, in the
// order of the manual.
func MessageFields() []Field { return fieldsOf(reflect.TypeFor[Data]()) }

// ItemFields lists what each item has.
func ItemFields() []Field { return fieldsOf(reflect.TypeFor[Item]()) }

func fieldsOf(t reflect.Type) (fields []Field) {
	for i := range t.NumField() {
		f := t.Field(i)
		fields = append(fields, Field{f.Name, f.Tag.Get("doc")})
	}
	return fields
}

// known are all fields.
var known = func() map[string]bool {
	names := map[string]bool{}
	for _, f := range append(MessageFields(), ItemFields()...) {
		names[f.Name] = true
	}
	return names
}()

// listed returns the names of fields for a sentence.
func listed(fields []Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, "."+f.Name)
	}
	return strings.Join(names, ", ")
}
