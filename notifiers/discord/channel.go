package discord

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "discord"

//go:embed guide.mdoc
var guide string

// Channel is a webhook of a Discord channel.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Discord, by a webhook of a channel", Guide: guide,
		Traits: notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxDescription, Unit: notifiers.Runes}},
		Abilities: notifiers.Abilities{
			Threads: true, Updates: true, Mentions: true, Quiet: true, Proof: "id of the message",
		},
	},
	[]notifiers.Row[Settings]{{
		Attribute: notifiers.Attribute{
			Name: "url", Type: notifiers.ServiceURL, Required: true,
			Doc: "The URL of the webhook, as Discord gives it. Everybody who has it can post in the channel",
		},
		Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
	}},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "thread", Default: "the channel itself",
				Doc: "The id of a thread of the channel to post in, a number like \"1180000000000000042\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Thread = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "forum", Type: notifiers.Bool, Default: "false",
				Doc: "Whether the channel is a forum. Each incident is a post of its own there, in which later messages stand together",
			},
			Set: func(t *Target, v notifiers.Value) { t.Forum = v.Bool },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@everyone\", \"@here\", a role as \"<@&ID>\", or a user as \"<@ID>\". An ID alone is tried as both",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Thread, t.Forum, t.Mention)
		return []notifiers.Target{made}, err
	},
)
