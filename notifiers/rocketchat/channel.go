package rocketchat

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "rocketchat"

//go:embed guide.mdoc
var guide string

// Channel is Rocket.Chat, as a user of its own.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Rocket.Chat, as a user of its own", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.Runes}},
		Abilities: notifiers.Abilities{Threads: true, Updates: true, Mentions: true, Proof: "id of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.URL, Required: true,
				Doc: "The URL of the server, like \"https://chat.example.org\"",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "user_id", Required: true,
				Doc: "The id of the user that sends, which Rocket.Chat shows with the token",
			},
			Set: func(s *Settings, v notifiers.Value) { s.UserID = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "A personal access token of that user, which ignores two-factor authentication",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ca_file", Type: notifiers.Certificates, Default: "the system's roots",
				Doc: "The authorities to trust instead of the system's, in PEM",
			},
			Set: func(s *Settings, v notifiers.Value) { s.CA = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "channel", Required: true,
				Doc: "The channel, like \"#mail-ops\", a person, like \"@anna\", or the id of a room",
			},
			Set: func(t *Target, v notifiers.Value) { t.Channel = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@all\", \"@here\", or \"@name\" of a person",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Channel, t.Mention)
		return []notifiers.Target{made}, err
	},
)
