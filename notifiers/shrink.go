package notifiers

import (
	"fmt"
	"slices"
	"strings"
)

// A measure is how much of each card is shown.
type measure struct {
	text, quote int // of a fact and of a server's words, in characters
	essential   bool
	lines       int // of a card
	cards       int
}

// measures are what is tried, from all that is known to what a short message holds.
var measures = []measure{
	{text: 4000, quote: 2000, lines: 400, cards: MaxItems},
	{text: 1000, quote: 500, lines: 100, cards: MaxItems},
	{text: 300, quote: 150, lines: 40, cards: MaxItems},
	{text: 120, quote: 80, lines: 25, cards: MaxItems, essential: true},
	{lines: 10, cards: MaxItems},
	{lines: 5, cards: 10},
	{lines: 5, cards: 5},
	{},
}

// essential are the facts that are shown where there is no room for all of them.
var essential = map[string]bool{"Since": true, "Began": true, "Ended": true, "Acknowledged": true, "Why": true, "Was": true, "Note": true}

// CardsThatFit returns the cards with as much of them as a service takes, which fits reports.
// Texts are cut first, a server's words more than others, then facts are left out, then lines
// and cards; titles and links stay as long as their card does. Where nothing fits, the last
// that was tried is returned, which says how much there is.
func (m Message) CardsThatFit(fits func([]Card) bool) (shown []Card) {
	cards := m.Cards()
	for _, much := range measures {
		if shown = much.apply(cards); fits(shown) {
			break
		}
	}
	return shown
}

// apply returns the cards cut to the measure.
func (much measure) apply(cards []Card) (shown []Card) {
	for _, card := range cards[:min(len(cards), much.cards)] {
		shown = append(shown, much.cut(card))
	}
	if left := len(cards) - len(shown); left > 0 {
		rest := Card{Tone: cards[len(shown)].Tone, Lines: []string{fmt.Sprintf("and %d more", left)}}
		if len(shown) == 0 {
			rest.Lines = []string{"There is no room for more in this message."}
		}
		shown = append(shown, rest)
	}
	return shown
}

func (much measure) cut(card Card) Card {
	const longTitle = 200
	card.Title = cutWithEllipsis(card.Title, longTitle)
	lines := slices.Clone(card.Lines[:min(len(card.Lines), much.lines)])
	for i := range lines {
		lines[i] = cutWithEllipsis(lines[i], max(much.text, longTitle))
	}
	if left := len(card.Lines) - len(lines); left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more lines", left))
	}
	card.Lines = lines
	var facts []Fact
	for _, fact := range card.Facts {
		fact = withoutEndlessLink(fact)
		switch isLink := fact.Kind == Link || fact.Kind == Button; {
		case isLink:
		case much.text == 0, much.essential && !essential[fact.Name]:
			continue
		case fact.Kind == Quote:
			fact.Text = cutWithEllipsis(fact.Text, much.quote)
		default:
			fact.Text = cutWithEllipsis(fact.Text, much.text)
		}
		facts = append(facts, fact)
	}
	card.Facts = facts
	return card
}

// withoutEndlessLink makes a text, which can be cut, of what is no link or is longer than the
// address of any page.
func withoutEndlessLink(fact Fact) Fact {
	const longest = 1000
	isWeb := strings.HasPrefix(fact.Text, "https://") || strings.HasPrefix(fact.Text, "http://")
	if (fact.Kind == Link || fact.Kind == Button) && (!isWeb || len(fact.Text) > longest) {
		fact.Kind = Plain
	}
	return fact
}
