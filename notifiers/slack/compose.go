package slack

import (
	"fmt"
	"strings"
	"unicode/utf8"

	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"github.com/imapvigil/imapvigil/notifiers"
)

// maxSection is what Slack takes in one section, in characters.
const maxSection = 3000

// compose makes the text, which phones show, and below it one coloured
// attachment an incident.
func compose(target Target, m notifiers.Message) ([]api.MsgOption, error) {
	mention, err := markup(target.Mention)
	if err != nil {
		return nil, err
	}
	text := escape(strings.TrimPrefix(m.Subject(), "[imapvigil] "))
	if mention != "" && loud(m) {
		text = mention + " " + text
	}
	return []api.MsgOption{
		api.MsgOptionText(text, false),
		api.MsgOptionAttachments(attachments(m)...),
		api.MsgOptionParse(false),
		api.MsgOptionLinkNames(false),
		api.MsgOptionDisableLinkUnfurl(),
		api.MsgOptionDisableMediaUnfurl(),
		api.MsgOptionMetadata(api.SlackMetadata{
			EventType: "imapvigil_message", EventPayload: map[string]any{"key": m.Key},
		}),
	}, nil
}

// loud is a message for which somebody may be called: not a test, and not an
// end.
func loud(m notifiers.Message) bool {
	for _, item := range m.Items {
		if item.Transition != notifiers.Closed {
			return true
		}
	}
	return false
}

func attachments(m notifiers.Message) []api.Attachment {
	var all []api.Attachment
	switch {
	case m.IsTest():
		all = []api.Attachment{attachment(grey, m.Subject(), []string{"This is a test. It is about no incident."})}
	case len(m.Items) > notifiers.MaxItems:
		all = []api.Attachment{digest(m)}
	default:
		for _, item := range m.Items {
			all = append(all, describe(m, item))
		}
	}
	last := &all[len(all)-1].Blocks
	last.BlockSet = append(last.BlockSet, api.NewContextBlock("", mrkdwn(escape(m.Footer()))))
	return all
}

// describe shows an incident; among others only what tells it apart.
func describe(m notifiers.Message, item notifiers.Item) api.Attachment {
	headline, amongOthers := item.Headline(m.At), len(m.Items) > 1
	var lines []string
	if amongOthers {
		lines = append(lines, "*"+escape(headline)+"*")
	}
	for _, fact := range m.Facts(item.Incident) {
		if !amongOthers || brief[fact.Name] {
			lines = append(lines, line(fact))
		}
	}
	return attachment(colour(item), headline, lines)
}

// brief are the facts of an incident among others.
var brief = map[string]bool{
	"Since": true, "State": true, "Where": true, "Endpoint": true, "Why": true, "Hint": true, "Affects": true,
	"The server said": true, "More": true,
}

func digest(m notifiers.Message) api.Attachment {
	var lines []string
	for _, item := range m.Items[:notifiers.MaxItems] {
		lines = append(lines, escape(item.Brief(m.At)))
	}
	lines = append(lines, fmt.Sprintf("and %d more", len(m.Items)-notifiers.MaxItems))
	return attachment(colour(m.Items[0]), m.Subject(), lines)
}

func line(fact notifiers.Fact) string {
	text := escape(fact.Text)
	switch fact.Kind {
	case notifiers.Link:
		text = link(fact.Text)
	case notifiers.Quote:
		// In a code block nothing is markup but its end.
		return "*" + fact.Name + "*\n```" + strings.ReplaceAll(text, "`", "'") + "```"
	case notifiers.Plain:
	}
	return "*" + fact.Name + "* " + text
}

// link is a link for what is one, and text for the rest.
func link(url string) string {
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		return escape(url)
	}
	return "<" + strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C").Replace(url) + ">"
}

func escape(text string) string { return slackutilsx.EscapeMessage(text) }

// attachment packs lines into as few sections as hold them.
func attachment(colour, fallback string, lines []string) api.Attachment {
	a := api.Attachment{Color: colour, Fallback: fallback}
	section := ""
	for _, next := range lines {
		next = clip(next)
		if utf8.RuneCountInString(section)+1+utf8.RuneCountInString(next) > maxSection {
			a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(mrkdwn(section), nil, nil))
			section = ""
		}
		section = strings.TrimPrefix(section+"\n"+next, "\n")
	}
	a.Blocks.BlockSet = append(a.Blocks.BlockSet, api.NewSectionBlock(mrkdwn(section), nil, nil))
	return a
}

func clip(line string) string {
	const most = maxSection - 10
	if utf8.RuneCountInString(line) <= most {
		return line
	}
	return string([]rune(line)[:most]) + "…"
}

// mrkdwn is verbatim, so that Slack makes no links or mentions out of plain
// words.
func mrkdwn(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, text, false, true)
}

// The colours of an attachment's edge.
const (
	red    = "#d32f2f"
	yellow = "#f9a825"
	green  = "#2e7d32"
	grey   = "#607d8b"
)

// colour is green only for what is well again.
func colour(item notifiers.Item) string {
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
