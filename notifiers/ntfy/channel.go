package ntfy

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "ntfy"

//go:embed guide.mdoc
var guide string

// Channel is ntfy.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Push messages to phones by ntfy", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.Bytes}, PerHour: 60},
		Abilities: notifiers.Abilities{Updates: true, Acknowledges: true, Quiet: true, Proof: "id of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.URL, Default: publicURL,
				Doc: "The server, without the topic",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Default: "everybody may write to the topic",
				Doc: "An access token, which begins with tk_",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "username",
				Doc:  "The user, where there is no token",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Username = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "password", Type: notifiers.Secret,
				Doc: "The password of username",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Password = v.Secret },
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
				Name: "topic", Required: true,
				Doc: "The topic to which the phones have subscribed: at most 64 letters, digits, - and _",
			},
			Set: func(t *Target, v notifiers.Value) { t.Topic = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "priority", Type: notifiers.Map, Default: "{ escalated = 5, down = 5, degraded = 4, changed = 3, acknowledged = 2, closed = 2, test = 2 }",
				Doc: "How loud messages are, by what they are about: from 1 (hidden) and 2 (no sound) to 5 (keeps ringing). What is not written keeps its default",
			},
			Set: func(t *Target, v notifiers.Value) { t.Priority = notifiers.JoinMap(v.Map) },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Topic, t.Priority)
		return []notifiers.Target{made}, err
	},
)
