package sms

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "sms"

// numbers are what a notify block says.
type numbers struct{ to []string }

// Channel is text messages. They cost money and wake people, so by default they are
// few, and for what is down.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "SMS through Twilio or another gateway", Guide: guide,
		Traits: notifiers.Traits{People: true, Severity: "down", PerHour: 30, OnlyAnnounced: true, MaxText: notifiers.Limit{Most: 2, Unit: notifiers.InSMS}},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "provider", Type: notifiers.Choice, Choices: Providers(), Required: true,
				Doc: "The gateway; \"http\" is any other that takes an HTTP request a message",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Provider = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "from",
				Doc:  "The sender: a number, or a name where the country allows one",
			},
			Set: func(s *Settings, v notifiers.Value) { s.From = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "account_sid", Doc: "twilio: the account"},
			Set:       func(s *Settings, v notifiers.Value) { s.AccountSID = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "auth_token", Type: notifiers.Secret, Doc: "twilio: its token"},
			Set:       func(s *Settings, v notifiers.Value) { s.AuthToken = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "key", Type: notifiers.Secret,
				Doc: "vonage and clickatell: the API key; bird: the access key; plivo: the auth id; sinch: the service plan id",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Key = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{Name: "secret", Type: notifiers.Secret, Doc: "vonage: the API secret"},
			Set:       func(s *Settings, v notifiers.Value) { s.Secret = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{Name: "token", Type: notifiers.Secret, Doc: "plivo: the auth token; sinch: the API token"},
			Set:       func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{Name: "region", Default: `"us"`, Doc: `sinch: the region of the account, "us", "eu", "au", "br" or "ca"`},
			Set:       func(s *Settings, v notifiers.Value) { s.Region = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "base_url", Type: notifiers.URL, Default: "the provider's",
				Doc: "All but http: where the API is",
			},
			Set: func(s *Settings, v notifiers.Value) { s.BaseURL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.SecretURL,
				Doc: "http: where to send the request; {to}, {text}, {from} and {key} are filled in. http:// is allowed to this machine, and to others if neither url, headers nor body have a secret in them, with a warning",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "method", Type: notifiers.Choice, Choices: []string{"POST", "PUT", "GET"}, Default: `"POST"`,
				Doc: "http: the method of the request",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Method = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "headers", Type: notifiers.Headers,
				Doc: "http: headers of the request",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Headers = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "body", Type: notifiers.SecretText,
				Doc: "http: the body, in which {to}, {text}, {from} and {key} are filled in",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Body = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "success", Default: "any 2xx",
				Doc: "http: the codes of success, like \"200, 202\", or a string that the answer contains then",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Success = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[numbers]{
		{
			Attribute: notifiers.Attribute{
				Name: "to", Type: notifiers.PhoneNumber, List: true, NotEmpty: true, Required: true,
				Doc: "Who gets the message; each number gets its own",
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
