package telegram

import (
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxText is in UTF-16 units. Telegram takes 4,096 characters, and refuses a longer text.
const maxText = 4000

// A content is what a message shows: the part that is the same for a new message and for one
// that is changed.
type content struct {
	Text     string    `json:"text"`
	Entities []entity  `json:"entities,omitempty"`
	Preview  preview   `json:"link_preview_options"`
	Keyboard *keyboard `json:"reply_markup,omitempty"`
}

// preview keeps Telegram from asking the hosts of links, and from showing what they answer.
type preview struct {
	Disabled bool `json:"is_disabled"`
}

// composeContent writes a message, in full or, where that is too long, with a line for each
// incident. Without buttons their links stand in the text.
func composeContent(m notifiers.Message, buttons bool) content {
	made := content{Preview: preview{Disabled: true}}
	if buttons {
		made.Keyboard = composeKeyboard(m)
	}
	l := &letter{Message: m, cards: m.Cards(), buttons: made.Keyboard != nil}
	if l.write((*letter).writeCard); l.cut && len(m.Items) > 1 {
		l.write((*letter).writeBriefCard)
	}
	made.Text, made.Entities = l.text.String(), l.entities
	return made
}

// A letter is a message that is being written.
type letter struct {
	notifiers.Message
	formatted
	cards   []notifiers.Card
	buttons bool // what leads to a page is a button below the text
}

// write writes the headline, each card and the footer, for which room is kept.
func (l *letter) write(card func(*letter, notifiers.Card)) {
	footer := "\n\n" + defang(l.Footer())
	l.formatted = formatted{most: maxText - fit.UTF16.Length(footer)}
	if len(l.cards) > 0 {
		l.add(plain, l.cards[0].Tone.Icon()+" ")
	}
	l.add(bold, defang(l.Headline()))
	for _, c := range l.cards {
		card(l, c)
	}
	// A text that was cut is cut, also with a footer.
	whole := l.cut
	l.most, l.cut = maxText, false
	l.add(plain, footer)
	l.cut = whole
}

// writeCard writes all of a card: where to read more, what is known, and last what a server
// said, which is cut first.
func (l *letter) writeCard(card notifiers.Card) {
	mark := ""
	if len(l.cards) > 1 {
		l.add(plain, "\n")
		mark = card.Tone.Icon() + " "
	}
	if card.Titled {
		l.add(plain, "\n"+mark)
		l.add(bold, defang(card.Title))
	}
	for _, line := range card.Lines {
		l.add(plain, "\n"+mark+defang(line))
	}
	for _, part := range []func(notifiers.Fact) bool{isLinkToMore, isKnown, isDescription, isQuote} {
		for _, fact := range card.Facts {
			if part(fact) && (fact.Kind != notifiers.Button || !l.buttons) {
				l.writeFact(fact)
			}
		}
	}
}

// writeBriefCard writes a line for each incident of a card.
func (l *letter) writeBriefCard(card notifiers.Card) {
	for _, item := range card.Items[:min(notifiers.MaxItems, len(card.Items))] {
		l.add(plain, "\n"+item.Tone().Icon()+" "+defang(l.Brief(item)))
	}
}

// isLinkToMore reports whether a fact leads to a page about the incident.
func isLinkToMore(fact notifiers.Fact) bool {
	return fact.Kind == notifiers.Button || fact.Kind == notifiers.Link && fact.Name == "More"
}

// isDescription reports whether a fact is what an administrator wrote, as long as he liked.
func isDescription(fact notifiers.Fact) bool { return fact.Name == "About" }

func isQuote(fact notifiers.Fact) bool { return fact.Kind == notifiers.Quote }

func isKnown(fact notifiers.Fact) bool {
	return !isLinkToMore(fact) && !isDescription(fact) && !isQuote(fact)
}

func (l *letter) writeFact(fact notifiers.Fact) {
	l.add(plain, "\n")
	l.add(bold, defang(fact.Name)+":")
	switch fact.Kind {
	case notifiers.Quote:
		l.add(plain, "\n")
		l.add(quote, fact.Text)
	case notifiers.Command:
		l.add(plain, " ")
		l.add(code, fact.Text)
	case notifiers.Link, notifiers.Button:
		l.add(plain, " ")
		l.writeLink(fact)
	case notifiers.Plain:
		l.add(plain, " "+defang(fact.Text))
	}
}

// writeLink writes a URL that Telegram can open as a link, and any other as text. That of
// a button is long, and nobody reads it.
func (l *letter) writeLink(fact notifiers.Fact) {
	switch {
	case !canOpen(fact.Text):
		l.add(plain, defang(fact.Text))
	case fact.Kind == notifiers.Button:
		l.addLink("open the page", fact.Text)
	default:
		l.addLink(fact.Text, fact.Text)
	}
}

// canOpen reports whether a text is a URL that leads somewhere from a telephone.
func canOpen(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && strings.Contains(u.Hostname(), ".") && u.User == nil
}

// defang returns a text in which nothing is a mention: outside code, "@name" is one.
func defang(text string) string { return strings.ReplaceAll(text, "@", "＠") }
