package notifiers

import "strings"

// SeenFrom splits what an incident says of who sees it into a name and a text: "Seen from" with "2 of 3
// nodes: frankfurt, london; well from new-york", or "Seen by" with "fra1 alone".
func SeenFrom(from string) (name, text string) {
	if by, alone := strings.CutPrefix(from, "seen by "); alone {
		return "Seen by", by
	}
	return "Seen from", from
}

// SeenFromClause says the same within a sentence: "seen from 2 of 3 nodes: frankfurt", "seen by fra1 alone".
func SeenFromClause(from string) string {
	name, text := SeenFrom(from)
	return strings.ToLower(name) + " " + text
}

// seenFact says which of several nodes see an incident; it has no text where a single machine does.
func seenFact(in Incident) Fact {
	name, text := SeenFrom(sanitisedLine(in.From))
	return Fact{Name: name, Text: text}
}
