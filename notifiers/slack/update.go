package slack

import (
	"context"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/imapvigil/imapvigil/notifiers"
)

// markEnded changes the first message about each incident that has ended, so that people who see
// only that one know (chat.update, for which the scope chat:write is enough). It gives up at the
// first that Slack does not change.
func (n *notifier) markEnded(ctx context.Context, m notifiers.Message) error {
	ctx, cancel := context.WithTimeout(ctx, notifiers.EditPatience)
	defer cancel()
	for _, ending := range m.Endings() {
		if !threadID.MatchString(ending.Previous.Thread) {
			continue
		}
		channel, ts, _ := strings.Cut(ending.Previous.Thread, ":")
		_, _, _, err := n.api.UpdateMessageContext(ctx, channel, ts,
			api.MsgOptionText(escapeText(ending.Headline()), false),
			api.MsgOptionAttachments(attachments(ending, false)...),
			api.MsgOptionParse(false),
			api.MsgOptionLinkNames(false),
		)
		if err != nil {
			return n.classify(ctx, "the first message was not changed", err)
		}
	}
	return nil
}
