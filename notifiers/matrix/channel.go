package matrix

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "matrix"

//go:embed guide.mdoc
var guide string

// Channel is Matrix, as a user of a homeserver.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Matrix, as a user of any homeserver", Guide: guide,
		Traits: notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxPlain, Unit: notifiers.Bytes}},
		Abilities: notifiers.Abilities{
			Threads: true, Updates: true, DropsDoubles: true, Mentions: true, Quiet: true, Proof: "id of the event",
		},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.URL, Required: true,
				Doc: "Where the homeserver answers clients, like \"https://matrix.example.org\"",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The access token of the user, best one that does not expire",
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
				Name: "room", Required: true,
				Doc: "The internal id of the room, which begins with \"!\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Room = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "mention",
				Doc:  "Whom to mention: \"@room\" for everybody in the room, or a user like \"@anna:example.org\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = v.Text },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Room, t.Mention)
		return []notifiers.Target{made}, err
	},
)
