package hclfile

import (
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

var slackChannel = newChannel(channel{kind: notifiers.Slack}, "Slack, as a bot",
	table[slack.Settings]{
		{
			attribute{name: "token", kind: secret, required: true, secret: true, doc: "The bot token of a Slack app, which begins with xoxb-"},
			func(s *slack.Settings, v value) { s.Token = v.secret },
		},
		{
			attribute{name: "api_url", kind: secureURL, fallback: "Slack's", doc: "Where the API is"},
			func(s *slack.Settings, v value) { s.APIURL = v.text },
		},
	}, slack.Settings{},
	table[slack.Target]{
		{
			attribute{name: "channel", kind: text, required: true, doc: "The channel, like \"#mail-ops\" or its id"},
			func(t *slack.Target, v value) { t.Channel = v.text },
		},
		{
			attribute{name: "mention", kind: text, doc: "Whom to mention: \"@here\", \"@channel\", \"@everyone\", or the id of a user or user group"},
			func(t *slack.Target, v value) { t.Mention = v.text },
		},
	},
	func(t slack.Target) ([]notifiers.Target, error) {
		made, err := slack.NewTarget(t.Channel, t.Mention)
		return []notifiers.Target{made}, err
	})
