package notifiers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// MaxItems is how many incidents a message spells out. One that holds more is a
// digest: counts, and the first MaxItems by name.
const MaxItems = 20

// maxSubject is in characters: what mail clients and phones still show.
const maxSubject = 120

// Subject says what happened in one line of at most 120 characters; of one incident also
// which, so that people and programs can put what belongs together side by side. It holds
// no word of a server.
func (m Message) Subject() string {
	if own := m.ownSubject(); own != "" {
		return own
	}
	const mark = "[imapvigil] "
	end := ""
	if len(m.Items) == 1 && m.Items[0].Incident.ID != "" {
		end = " [" + cutWithEllipsis(sanitisedLine(m.Items[0].Incident.ID), maxID) + "]"
	}
	room := maxSubject - len(mark) - utf8.RuneCountInString(end)
	return mark + cutWithEllipsis(m.subjectText(room), room) + end
}

// maxID is more than an id of ours has; one in a damaged journal must not push out all else.
const maxID = 30

// subjectText returns the subject without its mark, "[imapvigil]", and without the id.
func (m Message) subjectText(room int) string {
	switch len(m.Items) {
	case 0:
		return "TEST message for " + sanitisedLine(m.roleName()) + withMonitor(" from ", m.Monitor)
	case 1:
		// Where there is no room for what people call the check, its id says as much.
		headline := m.Items[0].Headline(m.At)
		if utf8.RuneCountInString(headline) > room {
			headline = m.Items[0].headline(m.Items[0].Incident.listedName(), m.At)
		}
		return headline
	}
	items := m.Arranged()
	return listNamesThatFit(countItems(items)+": ", listedNames(items), room, utf8.RuneCountInString)
}

// listedNames returns the names of the checks, each once, where the worst of it stands.
func listedNames(items []Item) (names []string) {
	seen := map[string]bool{}
	for _, item := range items {
		if name := item.Incident.listedName(); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// Text returns the whole message as plain text, for a reader of any channel that has
// room for it. Lines end with "\n". The server's words stand by themselves, on
// lines that begin with "> ".
func (m Message) Text() string {
	if own := m.ownText(); own != "" {
		return own
	}
	var b strings.Builder
	switch items := m.Arranged(); {
	case m.IsTest():
		fmt.Fprintf(&b, "%s\n", m.TestText())
	case len(m.Items) == 1:
		m.writeItem(&b, items[0])
	case len(items) > MaxItems:
		m.writeDigest(&b, items)
	default:
		m.writeItems(&b, items)
	}
	fmt.Fprintf(&b, "\n%s\n%s", m.Footer(), m.noteOfWords())
	return b.String()
}

// Footer says who sent this to whom, and when that was decided: a message may arrive
// long after.
func (m Message) Footer() string {
	return fmt.Sprintf("Sent to %s by imapvigil%s at %s.", sanitisedLine(m.roleName()), withMonitor(" on ", m.Monitor), m.exactTime(m.At))
}

// TestText is what a test message says.
func (m Message) TestText() string {
	if m.TestEvery != "" {
		return "TEST. Sent once a " + sanitisedLine(m.TestEvery) + ", because notify_test is set for this role; nothing is wrong, and there is nothing to do. It shows that messages arrive here."
	}
	return fmt.Sprintf("TEST. Sent with `imapvigil notify-test %s`; nothing is wrong, and there is nothing to do.", sanitisedLine(m.Role))
}

func (m Message) writeItem(b *strings.Builder, item Item) {
	fmt.Fprintf(b, "%s\n\n", item.Headline(m.At))
	for _, fact := range m.Facts(item) {
		fact.write(b)
	}
}

// writeItems writes what is open in full and what is over in a line each: there is nothing
// to do about it.
func (m Message) writeItems(b *strings.Builder, items []Item) {
	fmt.Fprintf(b, "%s.\n\n", m.Counts())
	for i, item := range items {
		switch {
		case !item.Ends():
			m.writeItem(b, item)
			if i+1 < len(items) {
				b.WriteString("\n")
			}
		default:
			fmt.Fprintf(b, "%s\n", m.Brief(item))
		}
	}
}

// writeDigest writes counts and headlines: in a storm details are noise.
func (m Message) writeDigest(b *strings.Builder, items []Item) {
	fmt.Fprintf(b, "%s.\n\n", m.Counts())
	for _, item := range items[:MaxItems] {
		fmt.Fprintf(b, "%s\n", m.Brief(item))
	}
	fmt.Fprintf(b, "and %d more\n", len(items)-MaxItems)
	if advice := m.DigestAdvice(); advice != "" {
		fmt.Fprintf(b, "\n%s\n", advice)
	}
}

// DigestAdvice says how to see and to acknowledge what is open, where a message has too
// many incidents to say it of each.
func (m Message) DigestAdvice() string {
	if !slices.ContainsFunc(m.Items, func(i Item) bool { return !i.Ends() }) {
		return ""
	}
	return "List them: imapvigil incidents --open\nAcknowledge: " + acknowledgeCommand("ID")
}

// Counts says how many items there are of each sort: "4 down, 1 recovered".
func (m Message) Counts() string { return countItems(m.Arranged()) }

func countItems(items []Item) string {
	count := map[string]int{}
	for _, item := range items {
		count[item.countedAs()]++
	}
	var parts []string
	// The gravest first: a subject may be cut.
	for _, sort := range ranks {
		if n := count[sort]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sort))
		}
	}
	return strings.Join(parts, ", ")
}

func (m Message) roleName() string { return cmp.Or(m.RoleLabel, m.Role) }

// withMonitor names the monitor after a preposition; nothing where it has no name.
func withMonitor(preposition, monitor string) string {
	if monitor == "" {
		return ""
	}
	return preposition + sanitisedLine(monitor)
}

// reserve is the room that is kept for saying how many names do not fit.
const reserve = len(" and 1000000 more")

// listNamesThatFit appends as many names as fit into limit, and says how many did not.
func listNamesThatFit(start string, names []string, limit int, length func(string) int) string {
	text := start
	for i, name := range names {
		longer := text + name
		if i > 0 {
			longer = text + ", " + name
		}
		left := len(names) - i - 1
		// Only the last name needs no room behind it for a count of the others.
		if length(longer) > limit || left > 0 && length(longer)+reserve > limit {
			return strings.TrimSuffix(text, ": ") + fmt.Sprintf(" and %d more", len(names)-i)
		}
		text = longer
	}
	return text
}

// sanitisedLine makes the text of an administrator fit for a line of its own: no
// line end, control or bidi character can come from a label.
func sanitisedLine(text string) string { return opaque.Sanitise(text).String() }

// sanitisedLines does the same for a text that may have several lines; empty ones go.
func sanitisedLines(text string) []string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	for i := range all {
		all[i] = sanitisedLine(all[i])
	}
	return slices.DeleteFunc(all, func(line string) bool { return line == "" })
}

// cutWithEllipsis shortens text to limit characters, the ellipsis included.
func cutWithEllipsis(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimRight(string([]rune(text)[:limit-1]), " ") + "…"
}
