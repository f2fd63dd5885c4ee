package discord

import (
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// The limits of Discord. It does not say in which unit it counts; UTF-16 units are never
// fewer than characters.
const (
	maxContent     = 2000
	maxEmbeds      = 10
	maxTitle       = 256
	maxDescription = 4096
	maxFields      = 25
	maxValue       = 1024
	maxFooter      = 2048
	maxTotal       = 6000 // of all embeds together
	maxThreadName  = 100
)

// A post is what the webhook takes.
type post struct {
	Content    string          `json:"content"`
	Embeds     []embed         `json:"embeds"`
	Allowed    allowedMentions `json:"allowed_mentions"`
	Flags      int             `json:"flags,omitzero"`
	ThreadName string          `json:"thread_name,omitempty"` // begins a post in a forum
}

// suppressNotifications lets a message arrive without a sound (SUPPRESS_NOTIFICATIONS).
const suppressNotifications = 1 << 12

type embed struct {
	Title       string  `json:"title,omitempty"`
	Description string  `json:"description,omitempty"`
	Colour      int     `json:"color"`
	Fields      []field `json:"fields,omitempty"`
	Footer      *footer `json:"footer,omitempty"`
}

type field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"` // beside others, where there is room
}

type footer struct {
	Text string `json:"text"`
}

// composePost writes a message: in full or, where that is too long, with a line for each
// incident.
func composePost(m notifiers.Message, who call) post {
	made := post{Content: who.text + headline(m, maxContent-fit.UTF16.Length(who.text)), Allowed: who.allowed}
	if m.IsQuiet() {
		made.Flags = suppressNotifications
	}
	cards := m.Cards()
	s := newSheet(m)
	for _, card := range cards {
		s.addCard(card)
	}
	if s.cut && len(m.Items) > 1 || len(s.embeds) > maxEmbeds {
		s = newSheet(m)
		s.addLines(cards)
	}
	made.Embeds = s.finish()
	return made
}

// headline returns the first line of a message, which phones show.
func headline(m notifiers.Message, most int) string {
	icon := ""
	if cards := m.Cards(); len(cards) > 0 {
		icon = cards[0].Tone.Icon() + " "
	}
	return icon + escape(m.Headline(), most-fit.UTF16.Length(icon))
}

// A sheet is the embeds of a message that is being written, and the room that is left.
type sheet struct {
	message notifiers.Message
	embeds  []embed
	footer  string // for which room is kept
	left    int
	cut     bool // something had no room
}

func newSheet(m notifiers.Message) *sheet {
	// A footer shows no markup.
	f := fit.UTF16.Cut(m.Footer(), maxFooter)
	return &sheet{message: m, footer: f, left: maxTotal - fit.UTF16.Length(f)}
}

// finish returns the embeds, with the footer under the last.
func (s *sheet) finish() []embed {
	if len(s.embeds) == 0 { // a message about nothing has no card
		s.embeds = []embed{{}}
	}
	s.embeds[len(s.embeds)-1].Footer = &footer{Text: s.footer}
	return s.embeds
}

// take returns a text as far as it has room, made harmless by write.
func (s *sheet) take(text string, most int, write func(text string, most int) string) string {
	written := write(text, min(most, s.left))
	s.left -= fit.UTF16.Length(written)
	// With more room there would be more.
	s.cut = s.cut || written != write(text, maxTotal)
	return written
}

// addCard adds the embed of a card: where to read more, what is known, and last what a server
// said, which is cut first.
func (s *sheet) addCard(card notifiers.Card) {
	made := embed{Colour: colours[card.Tone]}
	if card.Titled {
		made.Title = s.take(card.Title, maxTitle, escape)
	}
	made.Description = s.take(strings.Join(card.Lines, "\n"), maxDescription, escape)
	for _, part := range []func(notifiers.Fact) bool{isLinkToMore, isKnown, isDescription, isQuote} {
		for _, fact := range card.Facts {
			if part(fact) && len(made.Fields) < maxFields {
				made.Fields = s.appendField(made.Fields, fact)
			}
		}
	}
	s.embeds = append(s.embeds, made)
}

func (s *sheet) appendField(fields []field, fact notifiers.Fact) []field {
	name := s.take(fact.Name, maxTitle, escape)
	value := s.take(fact.Text, maxValue, writers[fact.Kind])
	// Discord refuses a field without a name or a value.
	if name == "" || value == "" {
		return fields
	}
	const short = 40
	isShort := fact.Kind == notifiers.Plain && len(fact.Text) <= short && !strings.Contains(fact.Text, "\n")
	return append(fields, field{Name: name, Value: value, Inline: isShort})
}

// addLines adds one embed with a line for each incident.
func (s *sheet) addLines(cards []notifiers.Card) {
	var lines []string
	for _, card := range cards {
		lines = append(lines, card.Lines...)
		if len(card.Lines) > 0 {
			continue
		}
		for _, item := range card.Items {
			lines = append(lines, item.Tone().Icon()+" "+s.message.Brief(item))
		}
	}
	text := s.take(strings.Join(lines, "\n"), maxDescription, escape)
	s.embeds = append(s.embeds, embed{Description: text, Colour: colours[cards[0].Tone]})
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

// writers write a fact's text in at most so many units.
var writers = map[notifiers.FactKind]func(text string, most int) string{
	notifiers.Plain: escape, notifiers.Link: writeLink, notifiers.Button: writeButton,
	notifiers.Quote: writeQuote, notifiers.Command: writeCommand,
}

// special are the characters that may begin markup; a backslash takes that from them.
const special = "\\*_~>#-[]()<:`|"

// escapedLength counts a character as escape writes it.
func escapedLength(r rune) int {
	if strings.ContainsRune(special, r) {
		return 2
	}
	return fit.UTF16(r)
}

// escape returns a text in which nothing is markup, an emoji's name or a mention. Discord has no
// escape for "@".
func escape(text string, most int) string {
	var b strings.Builder
	for _, r := range fit.Unit(escapedLength).Cut(text, most) {
		switch {
		case r == '@':
			r = '＠'
		case strings.ContainsRune(special, r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// writeQuote writes a server's words as a block of code, in which only its end is markup.
func writeQuote(text string, most int) string { return enclose("```\n", text, "\n```", most) }

// writeCommand writes what is to be typed as code.
func writeCommand(text string, most int) string { return enclose("`", text, "`", most) }

func enclose(before, text, after string, most int) string {
	text = fit.UTF16.Cut(strings.ReplaceAll(text, "`", "'"), most-len(before)-len(after))
	if text == "" {
		return ""
	}
	return before + text + after
}

// writeLink writes a URL, of which Discord makes a link, and any other text as such.
func writeLink(text string, most int) string {
	link := linkEscape.Replace(text)
	if !canOpen(text) || fit.UTF16.Length(link) > most {
		return escape(text, most) // half of a URL is no link
	}
	return link
}

// writeButton writes a link whose long URL nobody reads.
func writeButton(text string, most int) string {
	link := "[open the page](" + linkEscape.Replace(text) + ")"
	if !canOpen(text) || fit.UTF16.Length(link) > most {
		return escape(text, most)
	}
	return link
}

// linkEscape writes what may end a link, or begin other markup in it, as a URL may have it.
var linkEscape = strings.NewReplacer(
	"<", "%3C", ">", "%3E", "(", "%28", ")", "%29", "[", "%5B", "]", "%5D", "*", "%2A", "~", "%7E", "|", "%7C", "`", "%60", `\`, "%5C",
)

// canOpen reports whether a text is a URL that leads somewhere from a telephone.
func canOpen(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// colours are those of the bar beside an embed: green only for what is well again.
var colours = map[notifiers.Tone]int{
	notifiers.Down: 0xd32f2f, notifiers.Degraded: 0xf9a825, notifiers.Recovered: 0x2e7d32,
	notifiers.Ended: 0x607d8b, notifiers.Neutral: 0x607d8b,
}
