package slack

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "slack"

// Channel is Slack, as a bot.
var Channel = notifiers.NewChannel(
	notifiers.Channel{Kind: Kind, Doc: "Slack, as a bot", Guide: guide, Abilities: notifiers.Abilities{Threads: true, Mentions: true, Acknowledges: true, Proof: "timestamp of the message"}, Traits: notifiers.Traits{People: true}},
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
		{
			Attribute: notifiers.Attribute{
				Name: "app_token", Type: notifiers.Secret,
				Doc: "An app-level token, which begins with xapp-, with the scope connections:write. Messages then have a button that acknowledges; one app serves one daemon",
			},
			Set: func(s *Settings, v notifiers.Value) { s.AppToken = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ackers", List: true, Default: "who can read the message",
				Doc: "The ids of the users who may acknowledge by the button, like \"U024BE7LH\"",
			},
			Set: func(s *Settings, v notifiers.Value) {
				s.Ackers = strings.Join(slices.Sorted(slices.Values(v.List)), " ")
			},
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
