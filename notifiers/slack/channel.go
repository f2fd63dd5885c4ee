package slack

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "slack"

// Channel is Slack, as a bot.
var Channel = notifiers.NewChannel(
	notifiers.Channel{Kind: Kind, Doc: "Slack, as a bot", Guide: guide, Abilities: notifiers.Abilities{Threads: true, Mentions: true, Proof: "timestamp of the message"}, Traits: notifiers.Traits{People: true}},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The bot token of a Slack app, which begins with xoxb-",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "api_url", Type: notifiers.URL, Default: "Slack's",
				Doc: "Where the API is",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIURL = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "channel", Required: true,
				Doc: "The channel, like \"#mail-ops\" or its id",
			},
			Set: func(t *Target, v notifiers.Value) { t.Channel = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@here\", \"@channel\", \"@everyone\", or the id of a user or user group",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Channel, t.Mention)
		return []notifiers.Target{made}, err
	},
)
