package rocketchat

import (
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxText is how many characters a message and its attachments have together: Rocket.Chat takes
// 5,000 in a message, unless its administrator says otherwise.
const maxText = 4900

// A content is what is shown of a message.
type content struct {
	Text        string
	Attachments []attachment
}

// An attachment is a part of a message beside a coloured bar.
type attachment struct {
	Color string `json:"color"`
	Title string `json:"title,omitempty"`
	Text  string `json:"text"`
}

// composeContent writes a message; mention is empty where nobody is called.
func composeContent(m notifiers.Message, mention string) (c content) {
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		c = content{Text: strings.TrimSpace(mention + " " + headline(m)), Attachments: attachments(m, cards)}
		return c.length() <= maxText
	})
	return c
}

// headline says how things are also without colours: the text alone can be changed later.
func headline(m notifiers.Message) string {
	return m.Cards()[0].Tone.Icon() + " " + fit.Markdown(m.Headline())
}

func (c content) length() int {
	n := fit.Runes.Length(c.Text)
	for _, a := range c.Attachments {
		n += fit.Runes.Length(a.Title) + fit.Runes.Length(a.Text)
	}
	return n
}

// attachments returns what stands below the headline: one attachment for each card. The last
// has the footer.
func attachments(m notifiers.Message, cards []notifiers.Card) []attachment {
	all := make([]attachment, len(cards))
	for i, card := range cards {
		all[i] = attachment{Color: colours[card.Tone], Text: cardText(card)}
		if card.Titled {
			all[i].Title = fit.Markdown(card.Title)
		}
	}
	last := &all[len(all)-1]
	last.Text += "\n" + fit.Markdown(fit.Runes.Cut(m.Footer(), maxFooter))
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
	name := "*" + fact.Name + "* "
	switch fact.Kind {
	case notifiers.Link, notifiers.Button:
		return name + linkText(fact.Text)
	case notifiers.Quote:
		return strings.TrimSpace(name) + "\n" + fit.Fence(fact.Text)
	case notifiers.Command:
		return name + fit.Code(fact.Text)
	case notifiers.Plain:
	}
	return name + fit.Markdown(fact.Text)
}

// linkText returns a URL as Rocket.Chat makes a link of it by itself: nothing in it ends it or
// formats, and "@" in it mentions nobody.
func linkText(url string) string { return linkEscapes.Replace(url) }

var linkEscapes = strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "`", "%60", `\`, "%5C", "@", "%40", "*", "%2A", "(", "%28", ")", "%29")

// colours are those of the bar beside an attachment: green only for what is well again.
var colours = map[notifiers.Tone]string{
	notifiers.Down: "#d32f2f", notifiers.Degraded: "#f9a825", notifiers.Recovered: "#2e7d32",
	notifiers.Ended: "#607d8b", notifiers.Neutral: "#607d8b",
}
