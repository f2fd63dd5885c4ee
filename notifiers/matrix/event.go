package matrix

import (
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// The limits are in bytes. An event has at most 65,536 with what the homeserver adds to it
// (signatures, hashes, the ids of others), and quotes and line ends are sent as two.
const (
	maxPlain = 10_000
	maxHTML  = 18_000
)

// The types of a message. Clients make no sound for a notice.
const (
	textType   = "m.text"
	noticeType = "m.notice"
)

// An event is the content of m.room.message.
type event struct {
	Type    string `json:"msgtype"`
	Plain   string `json:"body"`
	Format  string `json:"format,omitempty"`
	HTML    string `json:"formatted_body,omitempty"`
	Mention people `json:"m.mentions"`
	// Relation is the thread that the event stands in, or the event that it replaces.
	Relation *relation `json:"m.relates_to,omitempty"`
	New      *event    `json:"m.new_content,omitempty"` // of one that replaces another
}

// people are who is mentioned. An event without them lets older homeservers look for "@room" in
// the text.
type people struct {
	Room  bool     `json:"room,omitempty"`
	Users []string `json:"user_ids,omitempty"`
}

// A relation says what an event has to do with an earlier one.
type relation struct {
	Kind  string `json:"rel_type"`
	Event string `json:"event_id"`
	// Fallback and Answers are for clients that know no threads: they show an answer to the last
	// message.
	Fallback bool     `json:"is_falling_back,omitempty"`
	Answers  *replyTo `json:"m.in_reply_to,omitempty"`
}

type replyTo struct {
	Event string `json:"event_id"`
}

// composeEvent writes a message, which mentions whom the target says if it may.
func composeEvent(target Target, m notifiers.Message) event {
	made := event{Type: textType, Format: "org.matrix.custom.html"}
	if m.IsQuiet() || m.IsTest() {
		made.Type = noticeType
	}
	plain, markup := "", ""
	if m.MayMention() {
		made.Mention, plain, markup = mentioned(target.Mention)
	}
	made.Plain = plain + harmless(writePlain(m))
	m.CardsThatFit(func(cards []notifiers.Card) bool {
		made.HTML = markup + writeHTML(m, cards)
		return len(made.HTML) <= maxHTML
	})
	return made
}

// writePlain returns what clients show that know no HTML. Of a long message the headline and the
// links stay.
func writePlain(m notifiers.Message) string {
	text := m.Text()
	if len(text) <= maxPlain {
		return text
	}
	lines := []string{m.Headline()}
	for _, card := range m.Cards() {
		for _, fact := range card.Facts {
			if isLinkToMore(fact) {
				lines = append(lines, fact.Name+": "+fact.Text)
			}
		}
	}
	return fit.Bytes.Lines(maxPlain, append(lines, "", text)...)
}

// mentioned returns who a mention is, and how it is written.
func mentioned(mention string) (who people, plain, markup string) {
	switch mention {
	case "":
		return people{}, "", ""
	case everybody:
		return people{Room: true}, everybody + " ", everybody + " "
	}
	link := "https://matrix.to/#/" + url.PathEscape(mention)
	markup = `<a href="` + html.EscapeString(link) + `">` + html.EscapeString(mention) + `</a> `
	return people{Users: []string{mention}}, mention + " ", markup
}

// inThread puts an event behind the last message of a thread.
func (e event) inThread(root, last string) event {
	e.Relation = &relation{Kind: "m.thread", Event: root, Fallback: true, Answers: &replyTo{Event: last}}
	return e
}

// replacing makes of an event one that takes the place of another. Clients that know nothing of
// that show the headline.
func (e event) replacing(original, headline string) event {
	e.Mention = people{} // nobody is called again
	return event{
		Type: e.Type, Plain: "* " + harmless(headline), New: &e,
		Relation: &relation{Kind: "m.replace", Event: original},
	}
}

var roomMention = regexp.MustCompile(`(?i)@(room)`)

// harmless returns a text in which homeservers that do not know m.mentions find no "@room".
func harmless(text string) string { return roomMention.ReplaceAllString(text, "＠$1") }

// escape returns a text as HTML shows it.
func escape(text string) string {
	return strings.ReplaceAll(html.EscapeString(harmless(text)), "\n", "<br>")
}

// writeHTML writes the headline, the cards and the footer in the HTML of Matrix.
func writeHTML(m notifiers.Message, cards []notifiers.Card) string {
	var b strings.Builder
	icon := ""
	if len(cards) > 0 {
		icon = cards[0].Tone.Icon() + " "
	}
	b.WriteString(icon + "<strong>" + escape(m.Headline()) + "</strong>")
	for _, card := range cards {
		writeCard(&b, card, len(cards) > 1)
	}
	b.WriteString("<p><em>" + escape(m.Footer()) + "</em></p>")
	return b.String()
}

// writeCard writes a card: where to read more, what is known, and last what a server said.
func writeCard(b *strings.Builder, card notifiers.Card, among bool) {
	b.WriteString("<p>")
	between := ""
	line := func(markup string) {
		b.WriteString(between + markup)
		between = "<br>"
	}
	mark := ""
	if among {
		mark = card.Tone.Icon() + " "
	}
	if card.Titled {
		line(mark + "<strong>" + escape(card.Title) + "</strong>")
	}
	for _, text := range card.Lines {
		line(mark + escape(text))
	}
	for _, part := range []func(notifiers.Fact) bool{isLinkToMore, isKnown} {
		for _, fact := range card.Facts {
			if part(fact) {
				line("<strong>" + escape(fact.Name) + ":</strong> " + factHTML(fact))
			}
		}
	}
	b.WriteString("</p>")
	for _, fact := range card.Facts {
		if isQuote(fact) {
			b.WriteString("<p><strong>" + escape(fact.Name) + ":</strong></p>" + factHTML(fact))
		}
	}
}

// isLinkToMore reports whether a fact leads to a page about the incident.
func isLinkToMore(fact notifiers.Fact) bool {
	return fact.Kind == notifiers.Button || fact.Kind == notifiers.Link && fact.Name == "More"
}

func isQuote(fact notifiers.Fact) bool { return fact.Kind == notifiers.Quote }
func isKnown(fact notifiers.Fact) bool { return !isLinkToMore(fact) && !isQuote(fact) }

func factHTML(fact notifiers.Fact) string {
	text := escape(fact.Text)
	switch fact.Kind {
	case notifiers.Quote:
		return "<pre><code>" + text + "</code></pre>"
	case notifiers.Command:
		return "<code>" + text + "</code>"
	case notifiers.Link, notifiers.Button:
		if !isWeb(fact.Text) {
			return text
		}
		words := text
		if fact.Kind == notifiers.Button { // nobody reads its long URL
			words = "open the page"
		}
		return `<a href="` + html.EscapeString(fact.Text) + `">` + words + "</a>"
	case notifiers.Plain:
	}
	return text
}

// isWeb reports whether a text is a URL of a page: a client may do something else with others.
func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
