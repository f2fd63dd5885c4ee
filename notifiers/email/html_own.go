package email

import (
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

// ownWords are what the template of the notifier made, as the page shows it.
type ownWords struct {
	Items   []notifiers.Item
	Parts   []part
	Buttons []fact
}

// A part is a piece of a text: a link or other words.
type part struct {
	Text string
	Link bool
}

func describeOwn(m notifiers.Message) *ownWords {
	card := m.Cards()[0]
	own := &ownWords{Items: card.Items, Parts: partLinks(strings.Join(card.Lines, "\n"))}
	for _, f := range card.Facts {
		own.Buttons = append(own.Buttons, fact{Name: f.Name, Text: f.Text, Button: true})
	}
	return own
}

// plainLink is an address in a text, without the full stop or bracket behind it. Some mail
// programs make no links in HTML by themselves.
var plainLink = regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?'()\[\]]`)

func partLinks(text string) (parts []part) {
	at := 0
	for _, found := range plainLink.FindAllStringIndex(text, -1) {
		parts = append(parts, part{Text: text[at:found[0]]}, part{Text: text[found[0]:found[1]], Link: true})
		at = found[1]
	}
	return append(parts, part{Text: text[at:]})
}
