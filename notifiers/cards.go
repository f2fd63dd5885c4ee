package notifiers

import (
	"fmt"
	"slices"
	"strings"
)

// A Tone is how a chat colours a part of a message.
type Tone int

// The tones.
const (
	Neutral   Tone = iota // about no incident, such as a test
	Ended                 // over, and nobody saw it well: removed, paused
	Recovered             // well again
	Degraded
	Down
)

// icons stand beside words, never in their place: not everybody sees colours, and a screen
// reader may leave them out.
var icons = map[Tone]string{Neutral: "⚪", Ended: "⚪", Recovered: "🟢", Degraded: "🟠", Down: "🔴"}

// Icon returns a coloured sign, for chats that show no colours of their own.
func (t Tone) Icon() string { return icons[t] }

// Tone returns the tone of an item: Recovered only for what is well again.
func (i Item) Tone() Tone {
	switch {
	case i.Ends() && i.Incident.ClosedAs == "recovered":
		return Recovered
	case i.Ends():
		return Ended
	case i.Incident.Severity == "down":
		return Down
	}
	return Degraded
}

// A Card is a part of a message as chats show it: one incident, or several that are said
// in a line each.
type Card struct {
	Tone Tone
	// Title says in one line what happened. Lines stand below it, then the facts.
	Title string
	Lines []string
	Facts []Fact
	// Titled says that the title has to be shown: neither the headline nor the lines say it.
	Titled bool
	// Items are what the card is about, as in [Message.Arranged]; none in a test.
	Items []Item
}

// Headline returns the subject without its mark, for chats, where the sender is shown.
func (m Message) Headline() string { return strings.TrimPrefix(m.Subject(), "[imapvigil] ") }

// Cards returns what a chat shows below the headline: a card for each incident, or one for
// all of a digest.
func (m Message) Cards() []Card {
	if m.Own.Text != "" {
		return []Card{m.ownCard()}
	}
	cards := m.builtInCards()
	if m.Own.Note != "" {
		last := &cards[len(cards)-1]
		last.Facts = append(last.Facts, Fact{Name: "Note", Text: strings.TrimPrefix(m.Own.Note, "Note: ")})
	}
	return cards
}

func (m Message) builtInCards() []Card {
	switch items := m.Arranged(); {
	case m.IsTest():
		return []Card{{Tone: Neutral, Title: m.Subject(), Lines: []string{m.TestText()}}}
	case len(m.Items) == 1:
		item := items[0]
		return []Card{{Tone: item.Tone(), Title: item.Headline(m.At), Facts: m.Facts(item), Items: items}}
	case len(items) > MaxItems:
		return []Card{m.digestCard(items)}
	default:
		return m.cardsOf(items)
	}
}

// cardsOf returns a card for each open incident, with what tells it apart, and cards for what
// is over: neighbours of one tone are one card, since chats show a bounded number of them,
// and a reader fewer.
func (m Message) cardsOf(items []Item) (cards []Card) {
	over := slices.IndexFunc(items, Item.Ends)
	if over < 0 {
		over = len(items)
	}
	for _, item := range items[:over] {
		facts := slices.DeleteFunc(m.Facts(item), func(f Fact) bool { return !amongOthers[f.Name] })
		cards = append(cards, Card{Tone: item.Tone(), Title: item.Headline(m.At), Facts: facts, Items: []Item{item}, Titled: true})
	}
	for rest := items[over:]; len(rest) > 0; {
		tone, n := rest[0].Tone(), 1
		for n < len(rest) && rest[n].Tone() == tone {
			n++
		}
		cards = append(cards, Card{Tone: tone, Title: rest[0].Headline(m.At), Lines: m.briefLines(rest[:n]), Items: rest[:n]})
		rest = rest[n:]
	}
	return cards
}

func (m Message) briefLines(items []Item) (lines []string) {
	for _, item := range items {
		lines = append(lines, m.Brief(item))
	}
	return lines
}

// amongOthers are the facts of an incident among others.
var amongOthers = map[string]bool{
	"Since": true, "Acknowledged": true, "Check": true, "Group": true, "Endpoint": true, "Why": true, "Hint": true, "Affects": true,
	"The server said": true, "The answer was": true, "Before": true, "More": true, "Acknowledge": true,
}

func (m Message) digestCard(items []Item) Card {
	lines := append(m.briefLines(items[:MaxItems]), fmt.Sprintf("and %d more", len(items)-MaxItems))
	if advice := m.DigestAdvice(); advice != "" {
		lines = append(lines, advice)
	}
	return Card{Tone: items[0].Tone(), Title: m.Subject(), Lines: lines, Items: items}
}

// IsQuiet reports whether a message tells only of what is over or somebody works on: there is
// nothing to do, so it need not make a sound.
func (m Message) IsQuiet() bool {
	asks := func(i Item) bool { return !i.Ends() && i.Transition != Acknowledged }
	return len(m.Items) > 0 && !slices.ContainsFunc(m.Items, asks)
}

// MayMention reports whether somebody may be mentioned, which makes phones ring: not for
// a test, an end or an acknowledgement, and for what is degraded only if the notify block says so. What is
// escalated always may.
func (m Message) MayMention() bool {
	return slices.ContainsFunc(m.Items, func(i Item) bool {
		switch i.Transition {
		case Closed, Acknowledged, Test:
			return false
		case Escalated:
			return true
		case Opened, Changed, Reminder:
		}
		return m.MentionSeverity != "down" || i.Incident.Severity == "down"
	})
}
