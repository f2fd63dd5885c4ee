package mattermost

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "mattermost"

//go:embed guide.mdoc
var guide string

// Channel is Mattermost, as a bot or by an incoming webhook.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Mattermost, as a bot or by an incoming webhook", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.Runes}},
		Abilities: notifiers.Abilities{Threads: true, Updates: true, DropsDoubles: true, Mentions: true, Proof: "id of the post (of a webhook: ok)"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.ServiceURL, Required: true,
				Doc: "The URL of the server, like \"https://chat.example.org\"; without token, that of an incoming webhook",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Default: "url is a webhook",
				Doc: "The access token of a bot. With it there are threads, and first messages change when incidents end",
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
				Name: "channel", Default: "the webhook's own",
				Doc: "With token, the id of the channel, which has 26 letters and digits. For a webhook, the name of another channel as its URL has it, like \"mail-ops\", or \"@name\" of a person",
			},
			Set: func(t *Target, v notifiers.Value) { t.Channel = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@here\", \"@channel\", \"@all\", or \"@name\" of a person or group",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Channel, t.Mention)
		return []notifiers.Target{made}, err
	},
)
