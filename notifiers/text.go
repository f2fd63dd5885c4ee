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

// Subject says what happened in one line of at most 120 characters. It holds
// no word of a server.
func (m Message) Subject() string {
	return cutWithEllipsis("[imapvigil] "+m.subjectText(), maxSubject)
}

// subjectText returns the subject without its mark, "[imapvigil]".
func (m Message) subjectText() string {
	switch len(m.Items) {
	case 0:
		return "TEST message for " + sanitisedLine(m.roleName()) + withMonitor(" from ", m.Monitor)
	case 1:
		return m.Items[0].Headline(m.At)
	}
	var names []string
	for _, item := range m.Items {
		names = append(names, item.Incident.listedName())
	}
	return listNamesThatFit(m.Counts()+": ", names, maxSubject-len("[imapvigil] "), utf8.RuneCountInString)
}

// Text returns the whole message as plain text, for a reader of any channel that has
// room for it. Lines end with "\n". The server's words stand by themselves, on
// lines that begin with "> ".
func (m Message) Text() string {
	var b strings.Builder
	switch {
	case m.IsTest():
		m.writeTest(&b)
	case len(m.Items) > MaxItems:
		m.writeDigest(&b)
	default:
		m.writeItems(&b)
	}
	fmt.Fprintf(&b, "\n%s\n", m.Footer())
	return b.String()
}

// Footer says who tells whom, and when that was decided: a message may arrive
// long after.
func (m Message) Footer() string {
	return fmt.Sprintf("imapvigil%s told %s at %s.", withMonitor(" on ", m.Monitor), sanitisedLine(m.roleName()), Time(m.At))
}

func (m Message) writeTest(b *strings.Builder) {
	b.WriteString("TEST MESSAGE, about no incident.\n\n")
	b.WriteString("Somebody wanted to know whether messages arrive here. This one has.\n")
}

func (m Message) writeItems(b *strings.Builder) {
	if len(m.Items) > 1 {
		fmt.Fprintf(b, "%s.\n\n", m.Counts())
	}
	for i, item := range m.Items {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s\n\n", item.Headline(m.At))
		for _, fact := range m.Facts(item.Incident) {
			fact.write(b)
		}
	}
}

// writeDigest writes counts and headlines: in a storm details are noise.
func (m Message) writeDigest(b *strings.Builder) {
	fmt.Fprintf(b, "%s.\n\n", m.Counts())
	for _, item := range m.Items[:MaxItems] {
		fmt.Fprintf(b, "%s\n", item.Brief(m.At))
	}
	fmt.Fprintf(b, "and %d more\n", len(m.Items)-MaxItems)
}

// Counts says how many items there are of each sort: "4 down, 1 closed".
func (m Message) Counts() string {
	count := map[string]int{}
	for _, item := range m.Items {
		count[item.countedAs()]++
	}
	var parts []string
	// The gravest first: a subject may be cut.
	for _, sort := range []string{"down", "degraded", "changed", "still open", "escalated", "closed"} {
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
