package zulip

import (
	"cmp"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxContent is how many characters Zulip takes in a message.
const maxContent = 10_000

// composeContent writes a message; a mention stands before the headline.
func composeContent(target Target, m notifiers.Message) (text string) {
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		text = writeContent(target, m, cards)
		return fit.Runes.Length(text) <= maxContent
	})
	return text
}

func writeContent(target Target, m notifiers.Message, cards []notifiers.Card) string {
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
	return strings.Join(append(parts, fit.Runes.Cut(plain(m.Footer()), maxFooter)), "\n\n")
}

const maxFooter = 500

// title writes a title in bold, behind a sign, since there are no colours.
func title(tone notifiers.Tone, text string) string { return tone.Icon() + " **" + plain(text) + "**" }

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
	name := "**" + fact.Name + "**"
	switch fact.Kind {
	case notifiers.Link, notifiers.Button:
		return link(fact)
	case notifiers.Quote:
		return name + "\n" + fit.Fence(fact.Text)
	case notifiers.Command:
		return name + " " + fit.Code(fact.Text)
	case notifiers.Plain:
	}
	return name + " " + plain(fact.Text)
}

// link writes a link whose text says what is there.
func link(fact notifiers.Fact) string {
	text := fact.Name
	if text == "More" {
		text = "Open incident"
	}
	return "[" + text + "](" + linkEscapes.Replace(fact.Text) + ")"
}

var linkEscapes = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "`", "%60", "*", "%2A")

// plain returns a text in which nothing is markup: "@" and "<" begin mentions and times, "$$"
// begins a formula, and "](" makes a link.
func plain(text string) string {
	text = fit.Widen(fit.Defang(text), "*~`$")
	// The second colon of ":smile:" as in other chats.
	return strings.ReplaceAll(fit.WithoutEmoji(text), "](", "] (")
}

// topicOf returns the topic of a message: the target's own, or that of the incident, which all
// messages about it share. It leaves room for the mark of a resolved topic.
func topicOf(target Target, m notifiers.Message) string {
	const most, tail = maxTopic - 2, 6
	switch {
	case target.Topic != "":
		return target.Topic
	case len(m.Items) != 1 || m.Items[0].Incident.ID == "":
		return "imapvigil"
	}
	in := m.Items[0].Incident
	id := []rune(opaque.Sanitise(in.ID).String())
	end := " · " + string(id[max(0, len(id)-tail):])
	name := opaque.Sanitise(cmp.Or(in.Check, in.Condition)).String()
	return fit.Runes.Cut(name, most-fit.Runes.Length(end)) + end
}

// resolvedMark is how Zulip marks a topic as resolved.
const resolvedMark = "✔ "
