package gotify

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "gotify"

//go:embed guide.mdoc
var guide string

// Channel is Gotify.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Push messages to phones by a Gotify server", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.Bytes}},
		Abilities: notifiers.Abilities{Quiet: true, Proof: "id of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.URL, Required: true,
				Doc: "The server, without /message",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The token of an application, not of a client",
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
				Name: "priority", Type: notifiers.Map, Default: "{ escalated = 8, down = 8, degraded = 5, changed = 5, acknowledged = 2, closed = 2, test = 2 }",
				Doc: "How loud messages are, by what they are about: 0 (not shown) to 3 make no sound, from 4 there is one, and from 8 a loud one. What is not written keeps its default",
			},
			Set: func(t *Target, v notifiers.Value) { t.Priority = notifiers.JoinMap(v.Map) },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Priority)
		return []notifiers.Target{made}, err
	},
)
