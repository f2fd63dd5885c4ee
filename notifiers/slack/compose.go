package slack

import (
	"fmt"
	"slices"
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
func composeMessage(target Target, m notifiers.Message) ([]api.MsgOption, error) {
	mention, err := mentionMarkup(target.Mention)
	if err != nil {
		return nil, err
	}
	text := escapeText(strings.TrimPrefix(m.Subject(), "[imapvigil] "))
	if mention != "" && mayMention(m) {
		text = mention + " " + text
	}
	return []api.MsgOption{
		api.MsgOptionText(text, false),
		api.MsgOptionAttachments(attachments(m)...),
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

// mayMention reports whether somebody may be mentioned, which makes phones ring: not for
// a test, and not for an end.
func mayMention(m notifiers.Message) bool {
	for _, item := range m.Items {
		if !item.Ends() {
			return true
		}
	}
	return false
}

// attachments returns what stands below the text: one attachment for each incident, or
// one for all of a digest. The last has the footer.
func attachments(m notifiers.Message) []api.Attachment {
	var all []api.Attachment
	switch items := m.Arranged(); {
	case m.IsTest():
		all = []api.Attachment{packAttachment(grey, m.Subject(), []string{escapeText(m.TestText())})}
	case len(m.Items) == 1:
		all = []api.Attachment{describeIncident(m, items[0])}
	case len(items) > notifiers.MaxItems:
		all = []api.Attachment{digestAttachment(m, items)}
	default:
		all = describeIncidents(m, items)
	}
	last := &all[len(all)-1].Blocks
	last.BlockSet = append(last.BlockSet, api.NewContextBlock("", verbatimText(escapeText(m.Footer()))))
	return all
}

// describeIncident returns the attachment of an incident that has a message of its own.
func describeIncident(m notifiers.Message, item notifiers.Item) api.Attachment {
	var lines []string
	for _, fact := range m.Facts(item) {
		lines = append(lines, factLine(fact))
	}
	return packAttachment(stateColour(item), item.Headline(m.At), lines)
}

// describeIncidents returns an attachment for each open incident, with what tells it apart,
// and one for all that are over.
func describeIncidents(m notifiers.Message, items []notifiers.Item) (all []api.Attachment) {
	over := slices.IndexFunc(items, notifiers.Item.Ends)
	if over < 0 {
		over = len(items)
	}
	for _, item := range items[:over] {
		lines := []string{"*" + escapeText(item.Headline(m.At)) + "*"}
		for _, fact := range m.Facts(item) {
			if brief[fact.Name] {
				lines = append(lines, factLine(fact))
			}
		}
		all = append(all, packAttachment(stateColour(item), item.Headline(m.At), lines))
	}
	// Neighbours of one colour are one attachment: Slack shows a hundred at most, and a
	// reader fewer.
	for rest := items[over:]; len(rest) > 0; {
		colour, n := stateColour(rest[0]), 1
		for n < len(rest) && stateColour(rest[n]) == colour {
			n++
		}
		all = append(all, packAttachment(colour, rest[0].Headline(m.At), briefLines(m, rest[:n])))
		rest = rest[n:]
	}
	return all
}

func briefLines(m notifiers.Message, items []notifiers.Item) (lines []string) {
	for _, item := range items {
		lines = append(lines, escapeText(m.Brief(item)))
	}
	return lines
}

// brief are the facts of an incident among others.
var brief = map[string]bool{
	"Since": true, "Acknowledged": true, "Check": true, "Group": true, "Endpoint": true, "Why": true, "Hint": true, "Affects": true,
	"The server said": true, "The answer was": true, "Before": true, "More": true, "Acknowledge": true,
}

func digestAttachment(m notifiers.Message, items []notifiers.Item) api.Attachment {
	lines := append(briefLines(m, items[:notifiers.MaxItems]), fmt.Sprintf("and %d more", len(items)-notifiers.MaxItems))
	if advice := m.DigestAdvice(); advice != "" {
		lines = append(lines, escapeText(advice))
	}
	return packAttachment(stateColour(items[0]), m.Subject(), lines)
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

// packAttachment packs lines into as few sections as hold them: Slack takes 3,000
// characters in one.
func packAttachment(colour, fallback string, lines []string) api.Attachment {
	a := api.Attachment{Color: colour, Fallback: fallback}
	section := ""
	for _, next := range lines {
		next = cutToSection(next)
		if utf8.RuneCountInString(section)+1+utf8.RuneCountInString(next) > maxSection {
			a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(verbatimText(section), nil, nil))
			section = ""
		}
		section = strings.TrimPrefix(section+"\n"+next, "\n")
	}
	a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(verbatimText(section), nil, nil))
	return a
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

// The colours of an attachment's edge.
const (
	red    = "#d32f2f"
	yellow = "#f9a825"
	green  = "#2e7d32"
	grey   = "#607d8b"
)

// stateColour returns the colour of the bar beside an incident: green only for what is
// well again.
func stateColour(item notifiers.Item) string {
	switch {
	case item.Transition == notifiers.Closed && item.Incident.ClosedAs == "recovered":
		return green
	case item.Transition == notifiers.Closed:
		return grey
	case item.Incident.Severity == "down":
		return red
	}
	return yellow
}
