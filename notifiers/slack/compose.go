package slack

import (
	"strings"
	"unicode/utf8"

	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"github.com/imapvigil/imapvigil/notifiers"
)

// maxSection is what Slack takes in one section, in characters.
const maxSection = 3000

// composeMessage makes the text, which phones show, and below it a coloured
// attachment for each incident.
func composeMessage(target Target, m notifiers.Message, buttons bool) ([]api.MsgOption, error) {
	text, err := composeText(target, m)
	if err != nil {
		return nil, err
	}
	return []api.MsgOption{
		api.MsgOptionText(text, false),
		api.MsgOptionAttachments(attachments(m, buttons)...),
		// Slack must not make links or mentions of words: they may be a server's.
		api.MsgOptionParse(false),
		api.MsgOptionLinkNames(false),
		api.MsgOptionDisableLinkUnfurl(),
		api.MsgOptionDisableMediaUnfurl(),
		api.MsgOptionMetadata(api.SlackMetadata{
			EventType: "imapvigil_message", EventPayload: map[string]any{"key": m.Key},
		}),
	}, nil
}

// composeText makes the headline, behind those whom it calls.
func composeText(target Target, m notifiers.Message) (string, error) {
	mention, err := mentionMarkup(target.Mention)
	if err != nil {
		return "", err
	}
	text := escapeText(m.Headline())
	if mention != "" && m.MayMention() {
		text = mention + " " + text
	}
	return text, nil
}

// attachments returns what stands below the text: one attachment for each card. The last
// has the footer.
func attachments(m notifiers.Message, buttons bool) []api.Attachment {
	cards := m.Cards()
	all := make([]api.Attachment, len(cards))
	for i, card := range cards {
		if m.Own.Text != "" {
			all[i] = packAttachment(colours[card.Tone], card.Title, plainText, escapedLines(card.Lines))
			card.Lines = nil
			packInto(&all[i], verbatimText, cardLines(card))
		} else {
			all[i] = packAttachment(colours[card.Tone], card.Title, verbatimText, cardLines(card))
		}
		if button := acknowledgeButton(m, card); buttons && button != nil {
			all[i].Blocks.BlockSet = append(all[i].Blocks.BlockSet, button)
		}
	}
	last := &all[len(all)-1].Blocks
	last.BlockSet = append(last.BlockSet, api.NewContextBlock("", verbatimText(escapeText(m.Footer()))))
	return all
}

// cardLines returns a card as lines of Slack's mrkdwn.
func cardLines(card notifiers.Card) (lines []string) {
	if card.Titled {
		lines = append(lines, "*"+escapeText(card.Title)+"*")
	}
	lines = append(lines, escapedLines(card.Lines)...)
	for _, fact := range card.Facts {
		lines = append(lines, factLine(fact))
	}
	return lines
}

func escapedLines(lines []string) (escaped []string) {
	for _, line := range lines {
		escaped = append(escaped, escapeText(line))
	}
	return escaped
}

func factLine(fact notifiers.Fact) string {
	text := escapeText(fact.Text)
	switch fact.Kind {
	case notifiers.Link, notifiers.Button:
		text = linkMarkup(fact.Text)
	case notifiers.Quote:
		// In a code block nothing is markup but its end.
		return "*" + fact.Name + "*\n```" + strings.ReplaceAll(text, "`", "'") + "```"
	case notifiers.Command:
		text = "`" + strings.ReplaceAll(text, "`", "'") + "`"
	case notifiers.Plain:
	}
	return "*" + fact.Name + "* " + text
}

// linkMarkup makes a link of an http or https URL, and leaves the rest as text.
func linkMarkup(url string) string {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return escapeText(url)
	}
	// Inside <...> a bar begins the text of the link, and > ends it.
	return "<" + strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C").Replace(url) + ">"
}

func escapeText(text string) string { return slackutilsx.EscapeMessage(text) }

// packAttachment packs lines into an attachment, in blocks of one sort.
func packAttachment(colour, fallback string, block func(string) *api.TextBlockObject, lines []string) api.Attachment {
	// Slack shows it where it shows no blocks, and says nowhere that no markup is read in it.
	a := api.Attachment{Color: colour, Fallback: escapeText(fallback)}
	packInto(&a, block, lines)
	return a
}

// packInto packs lines into as few sections as hold them: Slack takes 3,000 characters in one.
func packInto(a *api.Attachment, block func(string) *api.TextBlockObject, lines []string) {
	section := ""
	for _, next := range lines {
		next = cutToSection(next)
		if utf8.RuneCountInString(section)+1+utf8.RuneCountInString(next) > maxSection {
			a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(block(section), nil, nil))
			section = ""
		}
		section = strings.TrimPrefix(section+"\n"+next, "\n")
	}
	if section != "" {
		a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(block(section), nil, nil))
	}
}

func cutToSection(line string) string {
	const most = maxSection - 10
	if utf8.RuneCountInString(line) <= most {
		return line
	}
	return string([]rune(line)[:most]) + "…"
}

// verbatimText makes a block that is verbatim, so that Slack makes no links or mentions
// out of plain words.
func verbatimText(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, text, false, true)
}

// plainText makes a block in which nothing is markup: the words of a notifier's own template.
func plainText(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.PlainTextType, text, false, false)
}

// colours are those of an attachment's edge: green only for what is well again.
var colours = map[notifiers.Tone]string{
	notifiers.Down: "#d32f2f", notifiers.Degraded: "#f9a825", notifiers.Recovered: "#2e7d32",
	notifiers.Ended: "#607d8b", notifiers.Neutral: "#607d8b",
}
