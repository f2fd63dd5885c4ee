package googlechat

import (
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxText is how many bytes a text has at most in JSON: Google Chat takes 32,000 in a whole
// message.
const maxText = 30_000

var inJSON = strings.NewReplacer("\n", `\n`, `"`, `\"`, `\`, `\\`)

// composeText writes a message; a mention stands before the headline.
func composeText(target Target, m notifiers.Message) (text string) {
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		text = writeText(target, m, cards)
		return len(inJSON.Replace(text)) <= maxText
	})
	return text
}

func writeText(target Target, m notifiers.Message, cards []notifiers.Card) string {
	worst := notifiers.Neutral
	for _, card := range cards {
		worst = max(worst, card.Tone)
	}
	headline := title(worst, m.Headline())
	if m.MayMention() && target.Mention != "" {
		headline = target.markup() + " " + headline
	}
	parts := []string{headline}
	for _, card := range cards {
		parts = append(parts, writeCard(card))
	}
	footer := fit.Bytes.Cut(plain(m.Footer()), maxFooter)
	return strings.Join(append(parts, footer), "\n\n")
}

const maxFooter = 1000

// title writes a title in bold, behind a sign, since there are no colours.
func title(tone notifiers.Tone, text string) string { return tone.Icon() + " *" + plain(text) + "*" }

func writeCard(card notifiers.Card) string {
	var lines []string
	if card.Titled {
		lines = append(lines, title(card.Tone, card.Title))
	}
	for _, line := range card.Lines {
		lines = append(lines, plain(line))
	}
	for _, fact := range card.Facts {
		lines = append(lines, writeFact(fact))
	}
	return strings.Join(lines, "\n")
}

func writeFact(fact notifiers.Fact) string {
	switch fact.Kind {
	case notifiers.Link, notifiers.Button:
		return link(fact)
	case notifiers.Quote:
		return "*" + fact.Name + "*\n" + fit.Fence(fact.Text)
	case notifiers.Command:
		return "*" + fact.Name + "* " + fit.Code(fact.Text)
	case notifiers.Plain:
	}
	return "*" + fact.Name + "* " + plain(fact.Text)
}

// link writes a link whose text says what is there.
func link(fact notifiers.Fact) string {
	text := fact.Name
	if text == "More" {
		text = "Open incident"
	}
	return "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C").Replace(fact.Text) + "|" + text + ">"
}

// plain returns a text in which nothing is markup: <users/all> is a mention, <url|text> a link.
func plain(text string) string { return fit.Widen(text, "<*_~`") }
