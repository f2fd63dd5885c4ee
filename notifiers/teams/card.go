package teams

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// maxMessage is how many bytes are sent at most. Teams refuses more than 28 KB, which it counts
// after what it adds itself: it has counted 28,897 bytes for 24,453 that were sent
// (MicrosoftDocs/msteams-docs#11274).
const maxMessage = 18_000

// composeMessage returns what the workflow is sent.
func composeMessage(target Target, m notifiers.Message) (sent message) {
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		sent = message{Type: "message", Attachments: []attachment{{
			ContentType: "application/vnd.microsoft.card.adaptive", Content: composeCard(target, m, cards),
		}}}
		return sizeOf(sent) <= maxMessage
	})
	return sent
}

// sizeOf returns how many bytes a message has in JSON, as it is sent.
func sizeOf(sent message) int {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(sent); err != nil {
		panic(err) // texts can be written
	}
	return text.Len()
}

func composeCard(target Target, m notifiers.Message, cards []notifiers.Card) card {
	c := card{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.2",
		Teams: teamsPart{Width: "full"},
	}
	if m.MayMention() {
		c.mention(target)
	}
	c.Body = append(c.Body, element{
		Type: "TextBlock", Text: plainText(m.Headline()), Size: "medium", Weight: "bolder", Color: colours[worstTone(cards)], Wrap: true,
	})
	for _, part := range cards {
		// The schema wants at least one element.
		if box := describe(part, len(cards) > 1); len(box.Items) > 0 {
			c.Body = append(c.Body, box)
		}
	}
	c.Body = append(c.Body, ownClock(m)...)
	footer := run(m.Footer())
	footer.Size, footer.IsSubtle = "small", true
	c.Body = append(c.Body, paragraph(footer))
	return c
}

// mention adds a line that calls people. A text in <at> is a mention only where entities has
// the same text.
func (c *card) mention(target Target) {
	var all []string
	for _, person := range target.people() {
		text := "<at>" + unfilled(person["name"]) + "</at>"
		all = append(all, text)
		c.Teams.Entities = append(c.Teams.Entities, entity{
			Type: "mention", Text: text, Mentioned: mentioned{ID: person["id"], Name: unfilled(person["name"])},
		})
	}
	if len(all) > 0 {
		c.Body = append(c.Body, element{Type: "TextBlock", Text: strings.Join(all, " "), Wrap: true})
	}
}

func worstTone(cards []notifiers.Card) (worst notifiers.Tone) {
	for _, c := range cards {
		worst = max(worst, c.Tone)
	}
	return worst
}

// describe returns a part of a message as a container.
func describe(part notifiers.Card, among bool) element {
	box := element{Type: "Container", Separator: among}
	if part.Titled {
		box.Items = append(box.Items, element{
			Type: "TextBlock", Text: plainText(part.Title), Weight: "bolder", Color: colours[part.Tone], Wrap: true,
		})
	}
	for _, line := range part.Lines {
		box.Items = append(box.Items, paragraphs(line)...)
	}
	var links []action
	for _, fact := range part.Facts {
		if fact.Kind == notifiers.Link || fact.Kind == notifiers.Button {
			links = append(links, linkTo(fact))
			continue
		}
		box.Items = append(box.Items, describeFact(fact)...)
	}
	if len(links) > 0 {
		box.Items = append(box.Items, element{Type: "ActionSet", Actions: links})
	}
	return box
}

// linkTo returns a button that opens a page. Buttons that post do not work in Teams.
func linkTo(fact notifiers.Fact) action {
	title := fact.Name
	if title == "More" {
		title = "Open incident"
	}
	return action{Type: "Action.OpenUrl", Title: title, URL: fact.Text}
}

func describeFact(fact notifiers.Fact) []element {
	name := run(fact.Name + ": ")
	name.Weight = "bolder"
	switch fact.Kind {
	case notifiers.Quote:
		words := run(strings.ReplaceAll(fact.Text, "`", "'"))
		words.FontType = "monospace"
		return []element{paragraph(name), {Type: "Container", Style: "emphasis", Items: []element{paragraph(words)}}}
	case notifiers.Command:
		command := run(fact.Text)
		command.FontType = "monospace"
		return []element{paragraph(name, command)}
	case notifiers.Plain, notifiers.Link, notifiers.Button:
	}
	first, rest, _ := strings.Cut(fact.Text, "\n")
	return append([]element{paragraph(name, run(first))}, paragraphs(rest)...)
}

// paragraphs returns the lines of a text as blocks of their own: a run has one line.
func paragraphs(text string) (all []element) {
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" { // an empty run is refused
			all = append(all, paragraph(run(line)))
		}
	}
	return all
}

func paragraph(inlines ...element) element {
	return element{Type: "RichTextBlock", Inlines: inlines, Spacing: "small"}
}

// run returns a text as it is: nothing in it is markup.
func run(text string) element { return element{Type: "TextRun", Text: unfilled(text)} }

// unfilled returns a text without "{{": Teams fills in {{DATE(...)}}.
func unfilled(text string) string {
	for strings.Contains(text, "{{") {
		text = strings.ReplaceAll(text, "{{", "{ {")
	}
	return text
}

// plainText returns a text for a TextBlock, where nothing is markup: Teams knows **bold**,
// _italic_ and [title](url) there, and no way to escape them.
func plainText(text string) string {
	text = fit.Widen(fit.Defang(text), "*_`")
	return unfilled(strings.ReplaceAll(text, "](", "] ("))
}

// ownClock says when an incident began and ended on the clock of whoever reads it, which only
// Teams knows.
func ownClock(m notifiers.Message) []element {
	if len(m.Items) != 1 {
		return nil
	}
	in := m.Items[0].Incident
	began := in.StartedAt
	if !in.AgainAt.IsZero() {
		began = in.AgainAt
	}
	text := "On your clock: since " + filledIn(began)
	if m.Items[0].Ends() && !in.EndedAt.IsZero() {
		text = "On your clock: " + filledIn(began) + " to " + filledIn(in.EndedAt)
	}
	return []element{{Type: "TextBlock", Text: text, Size: "small", IsSubtle: true, Wrap: true}}
}

// filledIn returns what Teams replaces by the date and the time where the reader is.
func filledIn(t time.Time) string {
	at := t.UTC().Format("2006-01-02T15:04:05Z") // decimals would be shown as they are
	return "{{DATE(" + at + ", SHORT)}} {{TIME(" + at + ")}}"
}

// colours are those of a title.
var colours = map[notifiers.Tone]string{
	notifiers.Down: "attention", notifiers.Degraded: "warning", notifiers.Recovered: "good",
}
