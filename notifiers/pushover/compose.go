package pushover

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// The limits of Pushover, in characters.
const (
	maxTitle   = 250
	maxMessage = 1024
	maxURL     = 512
)

// The priorities of Pushover.
const (
	unseen    = -2 // no notification at all, only a line in the app
	quiet     = -1
	normal    = 0
	emergency = 2 // rings until somebody acknowledges
)

// composeForm writes a message.
func composeForm(target Target, m notifiers.Message) url.Values {
	cards := m.Cards()
	fields := url.Values{
		"user": {target.Key}, "title": {fit.Runes.Cut(headline(m, cards), maxTitle)},
		"message": {composeText(m)}, "priority": {strconv.Itoa(priorityOf(target, m))},
	}
	if !m.At.IsZero() {
		fields.Set("timestamp", strconv.FormatInt(m.At.Unix(), 10))
	}
	if priorityOf(target, m) == emergency {
		fields.Set("retry", strconv.Itoa(cmp.Or(target.Retry, defaultRetry)))
		fields.Set("expire", strconv.Itoa(cmp.Or(target.Expire, defaultExpire)))
	}
	if target.Device != "" {
		fields.Set("device", target.Device)
	}
	if target.Sound != "" && !m.IsQuiet() {
		fields.Set("sound", target.Sound)
	}
	if link := linkOf(m, cards); link != "" {
		fields.Set("url", link)
		fields.Set("url_title", "Open the incident")
	}
	return fields
}

// priorityOf returns the highest priority that one of the incidents asks for.
func priorityOf(target Target, m notifiers.Message) int {
	if m.IsTest() {
		return normal
	}
	down := priorities[target.Priority]
	highest := unseen
	for _, item := range m.Items {
		priority := down
		switch {
		case item.Transition == notifiers.Acknowledged:
			priority = unseen
		case item.Ends():
			priority = min(down, quiet)
		case item.Incident.Severity != "down" && item.Transition != notifiers.Escalated:
			priority = min(down, normal)
		}
		highest = max(highest, priority)
	}
	return highest
}

func headline(m notifiers.Message, cards []notifiers.Card) string {
	if len(cards) == 0 {
		return m.Headline()
	}
	return cards[0].Tone.Icon() + " " + m.Headline()
}

// linkOf returns the page of the one incident of a message; empty: there is none.
func linkOf(m notifiers.Message, cards []notifiers.Card) string {
	if len(m.Items) != 1 {
		return ""
	}
	for _, card := range cards {
		for _, fact := range card.Facts {
			if isLinkToMore(fact) && fit.Runes.Length(fact.Text) <= maxURL {
				return fact.Text
			}
		}
	}
	return ""
}

// isLinkToMore reports whether a fact leads to the page about the incident.
func isLinkToMore(fact notifiers.Fact) bool {
	isWeb := strings.HasPrefix(fact.Text, "https://") || strings.HasPrefix(fact.Text, "http://")
	return fact.Kind == notifiers.Link && fact.Name == "More" && isWeb
}

// composeText writes what stands below the title: as much of the cards as has room.
func composeText(m notifiers.Message) string {
	var text string
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		text = strings.Join(append(cardLines(m, cards), "", m.Footer()), "\n")
		return fit.Runes.Length(text) <= maxMessage
	})
	return fit.Runes.Cut(text, maxMessage)
}

// cardLines returns the lines of the cards: where to acknowledge, what is known, and last what a
// server said.
func cardLines(m notifiers.Message, cards []notifiers.Card) (lines []string) {
	alone := linkOf(m, cards)
	for _, card := range cards {
		mark := ""
		if len(cards) > 1 {
			mark = card.Tone.Icon() + " "
		}
		if card.Titled {
			lines = append(lines, mark+card.Title)
		}
		for _, line := range card.Lines {
			lines = append(lines, mark+line)
		}
		var known, quotes []string
		for _, fact := range card.Facts {
			switch {
			case fact.Text == alone: // the link below the message leads there
			case fact.Kind == notifiers.Button:
				lines = append(lines, fact.Name+": "+fact.Text)
			case fact.Kind == notifiers.Quote:
				// A sign that quotes: a server's words must not be taken for ours.
				quotes = append(quotes, fact.Name+": > "+fact.Text)
			default:
				known = append(known, fact.Name+": "+fact.Text)
			}
		}
		lines = slices.Concat(lines, known, quotes)
	}
	return lines
}
