package notifiers

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Fact is one thing that a message says of an incident.
type Fact struct {
	Name string
	Text string
	Kind FactKind
}

// FactKind says how a fact is to be shown.
type FactKind int

// The kinds of fact.
const (
	Plain FactKind = iota // text of ours, or of the configuration
	Link                  // an URL, not to be broken
	Quote                 // a server's words: data, never to be interpreted
)

// monitor is the condition of the monitor's own troubles.
const monitor = "monitor"

// maxName keeps a long label from pushing the cause out of a headline.
const maxName = 64

// Headline says in one line what happened, to what, and why; at is when that
// was decided.
func (i Item) Headline(at time.Time) string {
	in := i.Incident
	name, reason, lasted := in.displayName(), in.briefCause(), Duration(in.currentEpisode().Duration(at))
	switch i.Transition {
	case Changed:
		return fmt.Sprintf("CHANGED %s: now %s, %s", name, in.Severity, reason)
	case Reminder:
		return fmt.Sprintf("STILL %s %s: %s, for %s", strings.ToUpper(in.Severity), name, reason, lasted)
	case Escalated:
		return fmt.Sprintf("ESCALATED %s: %s for %s, %s", name, in.Severity, lasted, reason)
	case Closed:
		return fmt.Sprintf("CLOSED %s: %s", name, i.endingText(lasted))
	case Opened, Test:
	}
	return fmt.Sprintf("%s %s: %s", strings.ToUpper(in.Severity), name, reason)
}

// Brief returns all that a digest says of an item: its headline and, unless it is
// closed, since when it has been so.
func (i Item) Brief(at time.Time) string {
	if i.Transition == Closed {
		// The headline of a closing says how long it lasted.
		return i.Headline(at)
	}
	return i.Headline(at) + ", since " + Time(i.Incident.currentEpisode().StartedAt)
}

// endingText says how an incident ended and after how long: never "recovered" for what
// merely went out of sight.
func (i Item) endingText(lasted string) string {
	if i.OpeningUntold {
		return fmt.Sprintf("was %s for %s (%s), %s", i.Incident.Severity, lasted, i.Incident.briefCause(), i.Incident.closingText())
	}
	return i.Incident.closingText() + " after " + lasted
}

// closingText says in words why an incident was closed.
func (i Incident) closingText() string {
	switch i.ClosedAs {
	case "removed":
		return "removed from the configuration"
	case "changed":
		return "well under a changed configuration"
	case "":
		return "ended"
	}
	return i.ClosedAs // recovered, paused
}

// countedAs returns the word under which a message of several counts the item.
func (i Item) countedAs() string {
	switch i.Transition {
	case Changed:
		return "changed"
	case Reminder:
		return "still open"
	case Escalated:
		return "escalated"
	case Closed:
		return "closed"
	case Opened, Test:
	}
	return i.Incident.Severity
}

// Facts are what is known of one incident of the message, in the order in which
// a reader asks: since when, where, why, what to do.
func (m Message) Facts(in Incident) []Fact {
	seenBy := sanitisedLine(in.Node)
	if in.Node == m.Monitor { // with one node it is always the same; the footer names it
		seenBy = ""
	}
	facts := []Fact{
		{Name: "Since", Text: in.timeSpan(m.At)},
		{Name: "State", Text: in.shownState()},
		{Name: "Where", Text: in.pathInTree()},
		{Name: "Endpoint", Text: in.endpointText()},
		{Name: "Why", Text: in.explainedCause()},
		{Name: "Hint", Text: sanitisedLine(in.Hint)},
		{Name: "Affects", Text: in.affectedNames()},
		{Name: "The server said", Text: in.Evidence.String(), Kind: Quote},
		{Name: "About", Text: strings.Join(sanitisedLines(in.Description), "\n")},
		{Name: "Runbook", Text: withoutSpaces(in.Runbook), Kind: Link},
		{Name: "More", Text: withoutSpaces(in.URL), Kind: Link},
		{Name: "Incident", Text: sanitisedLine(in.ID)},
		{Name: "Seen by", Text: seenBy},
	}
	// What is not known takes no line.
	known := facts[:0]
	for _, fact := range facts {
		if fact.Text != "" {
			known = append(known, fact)
		}
	}
	return known
}

func (f Fact) write(b *strings.Builder) {
	if f.Kind == Quote {
		// On a line of their own, after a sign that quotes: a server's words must not be
		// taken for ours.
		fmt.Fprintf(b, "%s:\n> %s\n", f.Name, f.Text)
		return
	}
	// As wide as the names before the text, so that it stays in its column.
	text := strings.ReplaceAll(f.Text, "\n", "\n"+strings.Repeat(" ", 10))
	fmt.Fprintf(b, "%-9s %s\n", f.Name+":", text)
}

// displayName returns how people call the check: "Mail 1 / IMAP on the web port".
func (i Incident) displayName() string {
	name := sanitisedLine(cmp.Or(i.Label, i.Check, i.Condition))
	// An id such as mx1/imaps names its server itself.
	if server := sanitisedLine(i.ServerLabel); server != "" && !strings.HasPrefix(name, server+"/") {
		name = server + " / " + name
	}
	return cutWithEllipsis(name, maxName)
}

// listedName returns what a check is called in a list of several. The monitor itself has no id
// that people know.
func (i Incident) listedName() string {
	if i.Condition == monitor {
		return sanitisedLine(cmp.Or(i.Label, i.Check))
	}
	return sanitisedLine(i.Check)
}

// pathInTree returns the path through the groups, down to the check's id.
func (i Incident) pathInTree() string {
	var path []string
	for _, group := range i.GroupLabels {
		path = append(path, sanitisedLine(group))
	}
	check := sanitisedLine(i.Check)
	// As in displayName: an id may name its server itself.
	if server := sanitisedLine(i.ServerLabel); server != "" && !strings.HasPrefix(check, server+"/") {
		path = append(path, server)
	}
	if i.Label != "" && i.Label != i.Check {
		check = sanitisedLine(i.Label) + " (" + check + ")"
	}
	return strings.Join(append(path, check), " > ")
}

// endpointText returns host, port, security and the address that was probed; empty for
// what has no host.
func (i Incident) endpointText() string {
	if i.Host == "" {
		return ""
	}
	text := net.JoinHostPort(sanitisedLine(i.Host), strconv.Itoa(i.Port))
	if i.Security != "" {
		text += " (" + i.Security + ")"
	}
	// The host of a check may be an address itself.
	if i.Address != "" && i.Address != i.Host {
		text += ", address " + sanitisedLine(i.Address)
	}
	return text
}

// timeSpan says when the present episode began, when it ended, and how long it has
// lasted at the given time.
func (i Incident) timeSpan(at time.Time) string {
	bout := i.currentEpisode()
	text := Time(bout.StartedAt)
	if !i.EndedAt.IsZero() {
		text += ", until " + Time(i.EndedAt)
	}
	text += ", for " + Duration(bout.Duration(at))
	if !i.AgainAt.IsZero() {
		text += "; again, first at " + Time(i.StartedAt)
	}
	return text
}

// shownState returns the state where the headline does not say it already.
func (i Incident) shownState() string {
	if i.State == "acknowledged" {
		return i.State
	}
	return ""
}

// affectedNames lists the checks that fail because of this one.
func (i Incident) affectedNames() string {
	var names []string
	for _, name := range i.Affected[:min(MaxItems, len(i.Affected))] {
		names = append(names, sanitisedLine(name))
	}
	text := strings.Join(names, ", ")
	if more := len(i.Affected) - MaxItems; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// withoutSpaces returns a URL without what would end it early in a mail or a chat.
func withoutSpaces(url string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, url)
}
