package zulip

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "zulip"

//go:embed guide.mdoc
var guide string

// Channel is Zulip, as a bot.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Zulip, as a bot", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxContent, Unit: notifiers.Runes}},
		Abilities: notifiers.Abilities{Threads: true, Updates: true, Mentions: true, Proof: "id of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.URL, Required: true,
				Doc: "The URL of the organisation, like \"https://example.zulipchat.com\"",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "email", Required: true,
				Doc: "The email address of the bot, as Zulip shows it",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Email = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The API key of the bot",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ca_file", Type: notifiers.Certificates, Default: "the system's",
				Doc: "The certificates of the authorities to trust instead of the system's, in PEM",
			},
			Set: func(s *Settings, v notifiers.Value) { s.CA = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "channel", Required: true,
				Doc: "The channel, like \"mail ops\"; Zulip called it a stream before",
			},
			Set: func(t *Target, v notifiers.Value) { t.Channel = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "topic", Default: "one for each incident, which is marked as resolved at its end",
				Doc: "One topic for all messages",
			},
			Set: func(t *Target, v notifiers.Value) { t.Topic = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@all\", \"@topic\", the full name of a person like \"@Anna Muster\", or a user group like \"@*on call*\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Channel, t.Topic, t.Mention)
		return []notifiers.Target{made}, err
	},
)
