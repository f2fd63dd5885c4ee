package googlechat

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "googlechat"

//go:embed guide.mdoc
var guide string

// Channel is Google Chat, by the webhook of a space.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Google Chat, by the webhook of a space", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.Bytes}},
		Abilities: notifiers.Abilities{Threads: true, DropsDoubles: true, Mentions: true, Proof: "name of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.HookURL, Required: true,
				Doc: "The URL of the webhook, as the space shows it",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@all\" for everybody in the space, or a person's id like \"users/123456789\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Mention)
		return []notifiers.Target{made}, err
	},
)
