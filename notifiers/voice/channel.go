package voice

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "voice"

// numbers are what a notify block says.
type numbers struct{ to []string }

// Channel is telephone calls. Each rings, so by default they are few, and for what is down.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Telephone calls that read messages aloud, through Twilio", Guide: guide,
		Traits: notifiers.Traits{
			People: true, Severity: "down", PerHour: 6, OnlyAnnounced: true, Calls: true,
			MaxText: notifiers.Limit{Most: maxSpoken, Unit: notifiers.Runes},
		},
		Abilities: notifiers.Abilities{Proof: "sid of the call"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "provider", Type: notifiers.Choice, Choices: []string{"twilio"}, Required: true,
				Doc: "Who makes the calls",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Provider = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "account_sid", Required: true, Doc: "The account"},
			Set:       func(s *Settings, v notifiers.Value) { s.AccountSID = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "auth_token", Type: notifiers.Secret, Required: true, Doc: "Its token"},
			Set:       func(s *Settings, v notifiers.Value) { s.AuthToken = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "from", Type: notifiers.PhoneNumber, Required: true,
				Doc: "The number that calls: one of the account",
			},
			Set: func(s *Settings, v notifiers.Value) { s.From = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "language", Default: `"en-GB"`,
				Doc: `The language of the voice, like "de-DE". The built-in words are English: write text for others`,
			},
			Set: func(s *Settings, v notifiers.Value) { s.Language = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "base_url", Type: notifiers.URL, Default: "Twilio's",
				Doc: "Where the API is",
			},
			Set: func(s *Settings, v notifiers.Value) { s.BaseURL = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[numbers]{
		{
			Attribute: notifiers.Attribute{
				Name: "to", Type: notifiers.PhoneNumber, List: true, NotEmpty: true, Required: true,
				Doc: "Who is called; each number gets its own call",
			},
			Set: func(n *numbers, v notifiers.Value) { n.to = v.List },
		},
	},
	func(n numbers) ([]notifiers.Target, error) {
		var targets []notifiers.Target
		for _, number := range n.to {
			target, err := NewTarget(number)
			if err != nil {
				return nil, err
			}
			targets = append(targets, target)
		}
		return targets, nil
	},
)
