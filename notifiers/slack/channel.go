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

// Channel is Slack, as a bot or by an incoming webhook.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Slack, as a bot or by an incoming webhook", Guide: guide,
		Traits: notifiers.Traits{People: true},
		Abilities: notifiers.Abilities{
			Threads: true, Updates: true, Mentions: true, Acknowledges: true, Proof: "timestamp of the message (of a webhook: ok)",
		},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret,
				Doc: "The bot token of a Slack app, which begins with xoxb-. It is required unless url is written",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.HookURL,
				Doc: "The URL of an incoming webhook, instead of token. It has one channel, no threads and no button, and its messages do not change",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
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
				Name: "channel", Default: "the webhook's own",
				Doc: "The channel, like \"#mail-ops\" or its id. It is required with token, and must not be written for a webhook",
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
		if t.Channel == "" {
			made, err := NewHookTarget(t.Mention)
			return []notifiers.Target{made}, err
		}
		made, err := NewTarget(t.Channel, t.Mention)
		return []notifiers.Target{made}, err
	},
)
