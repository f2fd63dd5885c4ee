package notifiers

import (
	"cmp"
	"fmt"
	"net"
	"slices"
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
	Plain   FactKind = iota // text of ours, or of the configuration
	Link                    // an URL, not to be broken
	Quote                   // a server's words: data, never to be interpreted
	Command                 // what to type in a shell
	Button                  // an URL, not to be broken, of a page on which one does what the name says
)

// monitor is the condition of the monitor's own troubles.
const monitor = "monitor"

// maxName keeps a long label from pushing the cause out of a headline.
const maxName = 64

// Headline says in one line what happened, to what, and why; at is when that
// was decided.
func (i Item) Headline(at time.Time) string { return i.headline(i.Incident.displayName(), at) }

func (i Item) headline(name string, at time.Time) string {
	if i.author() != "" {
		return i.Word() + " " + name + " " + i.Detail(at) // "by anna: ..."
	}
	return i.Word() + " " + name + ": " + i.Detail(at)
}

// author returns "by" and the name of who works on an incident, where the item tells that; "" where it
// is not known, and of what tells something else.
func (i Item) author() string {
	by := strings.TrimPrefix(sanitisedLine(i.Incident.Acknowledgement.By), "by ") // one who came by a link has no name
	if i.Transition != Acknowledged || by == "" {
		return ""
	}
	return "by " + cutWithEllipsis(by, maxName/2)
}

// Name returns what a headline calls the check: its id, and what people call it.
func (i Item) Name() string { return i.Incident.displayName() }

// Detail returns what a headline says after the word and the name: why it is so and,
// where that is news, for how long.
func (i Item) Detail(at time.Time) string {
	in := i.Incident
	reason, lasted := in.briefCause(), in.lasted(at)
	switch i.Transition {
	case Changed:
		return fmt.Sprintf("now %s, %s", in.Severity, reason)
	case Reminder:
		return reason + ", for " + lasted
	case Escalated:
		return i.lastingText(lasted)
	case Acknowledged:
		if by := i.author(); by != "" {
			return by + ": " + i.lastingText(lasted)
		}
		return i.lastingText(lasted)
	case Closed:
		return i.endingText(lasted)
	case Opened, Test:
	}
	return reason
}

// lastingText says what is wrong and for how long it has been so.
func (i Item) lastingText(lasted string) string {
	if i.Incident.Condition == monitor {
		return "for " + lasted + ", " + i.Incident.briefCause()
	}
	return fmt.Sprintf("%s for %s, %s", i.Incident.Severity, lasted, i.Incident.briefCause())
}

// Brief returns the item in one line, for a message of many: its headline, and since when
// it has been so or until when it was, on the clocks of those who read m.
func (m Message) Brief(i Item) string {
	text := i.Headline(m.At)
	switch {
	case !i.Ends():
		text += ", since " + m.localTime(i.Incident.currentEpisode().StartedAt)
	case !i.Incident.EndedAt.IsZero():
		text += ", until " + m.localTime(i.Incident.EndedAt)
	}
	if id := sanitisedLine(i.Incident.ID); id != "" {
		text += " [" + id + "]"
	}
	return text
}

// endingText says what was wrong and for how long, and how that ended: never that it is
// well of what merely went out of sight.
func (i Item) endingText(lasted string) string {
	in := i.Incident
	if in.Condition == monitor {
		text := "over after " + lasted + " (was: " + in.briefCause() + ")"
		if in.ClosedAs == "removed" {
			text = "no longer in the configuration after " + lasted + " (was: " + in.briefCause() + ")"
		}
		return text
	}
	text := fmt.Sprintf("was %s for %s (%s)", in.Severity, lasted, in.briefCause())
	switch in.ClosedAs {
	case "removed":
		return "no longer in the configuration, " + text
	case "paused":
		return "no longer probed, " + text
	case "changed":
		return "well since its configuration was changed, " + text
	case "handed over":
		return in.successorText() + ", " + text
	case "merged":
		return "enough nodes see the service fail now, " + text
	}
	return text
}

// successorText says what becomes of an incident that was handed over.
func (i Incident) successorText() string {
	node := cmp.Or(sanitisedLine(i.HandedTo), "another node")
	switch id := sanitisedLine(i.HandedAs); {
	case i.HandedWell:
		return node + " decides for all nodes again and sees it well"
	case id != "":
		return "goes on at " + node + " as incident " + id
	}
	return node + " decides for all nodes again"
}

// Facts are what is known of an item of the message, in the order in which a reader
// asks: since when, what and where, why, what to do.
func (m Message) Facts(item Item) []Fact {
	in := item.Incident
	why, hint := "Why", in.remainingHint()
	if item.Ends() { // nothing is wrong any more, and there is nothing to do
		why, hint = "Was", ""
	}
	facts := m.timeFacts(in)
	facts = append(facts,
		Fact{Name: "Acknowledged", Text: m.acknowledgement(in)},
		Fact{Name: "Check", Text: in.wholeName()},
		Fact{Name: "Group", Text: in.groupName()},
		Fact{Name: "Endpoint", Text: in.endpointText()},
		Fact{Name: why, Text: in.explainedCause()},
		seenFact(in),
		Fact{Name: "Hint", Text: hint},
		Fact{Name: "Affects", Text: in.affectedNames()},
		Fact{Name: in.speaker(), Text: in.Evidence.String(), Kind: Quote},
		Fact{Name: "Before", Text: m.earlier(item)},
		Fact{Name: "Note", Text: item.firstHeard()},
		Fact{Name: "About", Text: strings.Join(sanitisedLines(in.Description), "\n")},
		Fact{Name: "Runbook", Text: withoutSpaces(in.Runbook), Kind: Link},
		Fact{Name: "More", Text: withoutSpaces(in.URL), Kind: Link},
		Fact{Name: "Incident", Text: sanitisedLine(in.ID)},
		Fact{Name: "Acknowledge", Text: item.acknowledgeURL(), Kind: Button},
		Fact{Name: "Acknowledge", Text: item.acknowledgeCommand(), Kind: Command},
		Fact{Name: "Seen by", Text: m.otherNode(in)},
	)
	// What is not known takes no line.
	return slices.DeleteFunc(facts, func(f Fact) bool { return f.Text == "" })
}

// timeFacts are when the present episode began, when it ended, and how long it has lasted.
func (m Message) timeFacts(in Incident) []Fact {
	episode := in.currentEpisode()
	lasted := in.lasted(m.At)
	facts := []Fact{{Name: "Since", Text: m.exactTime(episode.StartedAt) + ", for " + lasted}}
	if !in.EndedAt.IsZero() {
		facts = []Fact{
			{Name: "Began", Text: m.exactTime(episode.StartedAt)},
			{Name: "Ended", Text: m.exactTime(in.EndedAt) + ", after " + lasted},
		}
	}
	if !in.AgainAt.IsZero() {
		facts = append(facts, Fact{Name: "First", Text: m.exactTime(in.StartedAt) + "; it recovered and failed again"})
	}
	return facts
}

// lasted says how long the present episode lasted, or has lasted at the given time: the
// difference of the two times as people read them, whose fractions of a second are not shown.
func (i Incident) lasted(at time.Time) string {
	in := i.currentEpisode()
	in.StartedAt, in.EndedAt = in.StartedAt.Truncate(time.Second), in.EndedAt.Truncate(time.Second)
	return Duration(in.Duration(at.Truncate(time.Second)))
}

// acknowledgement says who works on the incident, until when and how. It is empty for one
// that nobody has acknowledged.
func (m Message) acknowledgement(in Incident) string {
	if in.State != "acknowledged" {
		return ""
	}
	var parts []string
	if by := sanitisedLine(in.Acknowledgement.By); by != "" {
		parts = append(parts, "by "+strings.TrimPrefix(by, "by ")) // one who came by a link has no name
	}
	if until := in.Acknowledgement.Until; !until.IsZero() {
		parts = append(parts, "until "+m.exactTime(until))
	}
	text := cmp.Or(strings.Join(parts, ", "), "yes")
	if reason := sanitisedLine(in.Acknowledgement.Reason); reason != "" {
		text += ": " + reason
	}
	return text
}

// acknowledgeURL returns where to acknowledge an open incident.
func (i Item) acknowledgeURL() string {
	if i.acknowledgeCommand() == "" {
		return ""
	}
	return withoutSpaces(i.Incident.AcknowledgeURL)
}

// acknowledgeCommand returns what to type to acknowledge an open incident.
func (i Item) acknowledgeCommand() string {
	if i.Ends() || i.Incident.State == "acknowledged" {
		return ""
	}
	return acknowledgeCommand(i.Incident.ID)
}

// acknowledgeCommand returns what to type to acknowledge incidents; "" for none.
func acknowledgeCommand(ids ...string) string {
	list := sanitisedLine(strings.Join(ids, " "))
	if list == "" {
		return ""
	}
	return `imapvigil ack ` + list + ` --reason "..."`
}

// earlier says of incidents whose end the same message tells how long they lasted.
func (m Message) earlier(item Item) string {
	var lines []string
	for _, in := range item.Earlier {
		lines = append(lines, m.Brief(Item{Transition: Closed, Incident: in}))
	}
	return strings.Join(lines, "\n")
}

// firstHeard says that nobody was told of the beginning of what is over.
func (i Item) firstHeard() string {
	if i.Ends() && i.OpeningUntold {
		return "This is the first message about this incident: it was over before one arrived here."
	}
	return ""
}

// otherNode names the machine that saw it, unless the footer names it anyway.
func (m Message) otherNode(in Incident) string {
	if in.Node == m.Monitor {
		return ""
	}
	return sanitisedLine(in.Node)
}

func (f Fact) write(b *strings.Builder) {
	if f.Kind == Quote {
		// On a line of their own, after a sign that quotes: a server's words must not be
		// taken for ours.
		fmt.Fprintf(b, "%s:\n> %s\n", f.Name, f.Text)
		return
	}
	// As wide as the names before the text, so that it stays in its column.
	text := strings.ReplaceAll(f.Text, "\n", "\n"+strings.Repeat(" ", 14))
	fmt.Fprintf(b, "%-13s %s\n", f.Name+":", text)
}

// displayName returns the id of the check, by which files and commands know it, and
// behind it what people call it.
func (i Incident) displayName() string { return cutWithEllipsis(i.namedAndLabelled(), maxName) }

func (i Incident) namedAndLabelled() string {
	name := i.listedName()
	if label := i.label(); label != "" {
		name += " (" + label + ")"
	}
	return name
}

// listedName returns what a check is called in a list of several. The monitor itself has no id
// that people know.
func (i Incident) listedName() string {
	if i.Condition == monitor {
		return "imapvigil"
	}
	return sanitisedLine(cmp.Or(i.Check, i.Label, i.Condition))
}

// label returns what people call the check and its server: "Mail 1 / IMAP on the web
// port". It is empty where that is the id, and of the monitor itself.
func (i Incident) label() string {
	if i.Condition == monitor {
		return ""
	}
	var parts []string
	if i.ServerLabel != i.Server {
		parts = append(parts, sanitisedLine(i.ServerLabel))
	}
	if i.Label != i.Check {
		parts = append(parts, sanitisedLine(i.Label))
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return strings.Join(parts, " / ")
}

// wholeName returns the id of the check and what people call it, where that is too long
// for a headline. It is empty where the headline has all of it.
func (i Incident) wholeName() string {
	if name := i.namedAndLabelled(); name != i.displayName() {
		return name
	}
	return ""
}

// speaker says whose words the evidence is.
func (i Incident) speaker() string {
	if i.Condition == monitor {
		return "The answer was"
	}
	return "The server said"
}

// groupName returns the path of the group as commands take it, and behind it what people
// call the group.
func (i Incident) groupName() string {
	path := sanitisedLine(strings.Join(i.Groups, "/"))
	if n := len(i.GroupLabels); n > 0 && n == len(i.Groups) && i.GroupLabels[n-1] != i.Groups[n-1] {
		path += " (" + sanitisedLine(i.GroupLabels[n-1]) + ")"
	}
	return path
}

// endpointText returns host, port, security and the address that was probed; empty for
// what has no host.
func (i Incident) endpointText() string {
	if i.Host == "" {
		return ""
	}
	text := net.JoinHostPort(sanitisedLine(i.Host), strconv.Itoa(i.Port))
	switch i.Security {
	case "":
	case "none":
		text += " (no TLS)"
	default:
		text += " (" + i.Security + ")"
	}
	// The host of a check may be an address itself.
	if i.Address != "" && i.Address != i.Host {
		text += ", address " + sanitisedLine(i.Address)
	}
	return text
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
