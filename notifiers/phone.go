package notifiers

import (
	"slices"
	"strings"
	"unicode"
)

// PhoneText returns what stands below the headline on a phone, as plain text: what is known of
// each incident, and last what a server said. fits reports whether a text is short enough;
// see [Message.CardsThatFit]. Pages on which one does something are left out: phones have buttons.
func (m Message) PhoneText(fits func(text string) bool) string {
	var text string
	m.CardsThatFit(func(cards []Card) bool {
		var parts []string
		for _, card := range cards {
			parts = append(parts, m.phoneCard(card, len(cards) > 1))
		}
		text = strings.Join(slices.DeleteFunc(append(parts, m.Footer()), func(part string) bool { return part == "" }), "\n\n")
		return fits(text)
	})
	return text
}

// phoneCard writes a card: links first, which must not be cut off, and quotes last.
func (m Message) phoneCard(card Card, several bool) string {
	mark := ""
	if several {
		mark = card.Tone.Icon() + " "
	}
	var lines []string
	if card.Titled {
		lines = append(lines, mark+card.Title)
	}
	for _, line := range card.Lines {
		lines = append(lines, mark+line)
	}
	for _, kinds := range [][]FactKind{{Link}, {Plain, Command}, {Quote}} {
		for _, fact := range card.Facts {
			switch {
			case !slices.Contains(kinds, fact.Kind):
			case fact.Kind == Quote:
				lines = append(lines, fact.Name+":", "> "+withoutLinks(fact.Text))
			default:
				lines = append(lines, fact.Name+": "+fact.Text)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// withoutLinks returns a text in which apps find no address to make a link of: the dot between
// two letters or digits becomes one that looks alike (U+2024).
func withoutLinks(text string) string {
	runes := []rune(text)
	for i := 1; i+1 < len(runes); i++ {
		word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
		if runes[i] == '.' && word(runes[i-1]) && word(runes[i+1]) {
			runes[i] = '․'
		}
	}
	return string(runes)
}
