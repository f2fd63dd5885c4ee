package mattermost

import (
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxText is how many characters a message and its attachments have together. Mattermost
// takes 16,383 in a message and splits a longer one of a webhook.
const maxText = 16_000

// A content is what is shown of a message.
type content struct {
	Text        string
	Attachments []attachment
}

// An attachment is a part of a message beside a coloured bar.
type attachment struct {
	Fallback string `json:"fallback"` // what phones show
	Color    string `json:"color"`
	Title    string `json:"title,omitempty"`
	Text     string `json:"text"`
	Footer   string `json:"footer,omitempty"`
}

// composeContent writes a message; mention is empty where nobody is called.
func composeContent(m notifiers.Message, mention string) (c content) {
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		c = content{Text: strings.TrimSpace(mention + " " + fit.Markdown(m.Headline())), Attachments: attachments(m, cards)}
		return c.length() <= maxText
	})
	return c
}

func (c content) length() int {
	n := fit.Runes.Length(c.Text)
	for _, a := range c.Attachments {
		n += fit.Runes.Length(a.Title) + fit.Runes.Length(a.Text) + fit.Runes.Length(a.Footer)
	}
	return n
}

// attachments returns what stands below the headline: one attachment for each card. The last
// has the footer.
func attachments(m notifiers.Message, cards []notifiers.Card) []attachment {
	all := make([]attachment, len(cards))
	for i, card := range cards {
		all[i] = attachment{Fallback: fit.Defang(card.Title), Color: colours[card.Tone], Text: cardText(card)}
		if card.Titled {
			all[i].Title = fit.Markdown(card.Title)
		}
	}
	all[len(all)-1].Footer = fit.Runes.Cut(fit.Defang(m.Footer()), maxFooter)
	return all
}

// maxFooter is what is shown of a footer.
const maxFooter = 300

func cardText(card notifiers.Card) string {
	var lines []string
	for _, line := range card.Lines {
		lines = append(lines, fit.Markdown(line))
	}
	for _, fact := range card.Facts {
		lines = append(lines, factText(fact))
	}
	return strings.Join(lines, "\n")
}

func factText(fact notifiers.Fact) string {
	name := "**" + fact.Name + "** "
	switch fact.Kind {
	case notifiers.Link, notifiers.Button:
		return name + fit.MarkdownLink(fact.Text)
	case notifiers.Quote:
		return strings.TrimSpace(name) + "\n" + fit.Fence(fact.Text)
	case notifiers.Command:
		return name + fit.Code(fact.Text)
	case notifiers.Plain:
	}
	return name + fit.Markdown(fact.Text)
}

// colours are those of the bar beside an attachment: green only for what is well again.
var colours = map[notifiers.Tone]string{
	notifiers.Down: "#d32f2f", notifiers.Degraded: "#f9a825", notifiers.Recovered: "#2e7d32",
	notifiers.Ended: "#607d8b", notifiers.Neutral: "#607d8b",
}
