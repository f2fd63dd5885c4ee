package webhook

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "webhook"

// Channel is an HTTP request that programs read.
var Channel = notifiers.NewChannel(
	notifiers.Channel{Kind: Kind, Doc: "An HTTP request for other programs, signed as Standard Webhooks says", Guide: guide},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.SecretURL, Required: true,
				Doc: "Where to post. http:// is allowed to this machine, and to others if neither url nor headers have a secret in them, with a warning",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "secret", Type: notifiers.Secret, Default: "not signed",
				Doc: "The key to sign with, as a string or as whsec_ and base64",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Secret = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "headers", Type: notifiers.Headers,
				Doc: "Further headers of the request",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Headers = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ca_file", Type: notifiers.Certificates, Default: "the system's roots",
				Doc: "The authorities to trust instead of the system's, in PEM",
			},
			Set: func(s *Settings, v notifiers.Value) { s.CA = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "method", Type: notifiers.Choice, Choices: methods, Default: `"POST"`,
				Doc: "The method of the request",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Method = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "body", Type: notifiers.Template, Judge: wording.CheckBody, Default: "the JSON that this page describes",
				Doc: "A template for the body, which makes JSON; see OWN WORDS in imapvigil-notifiers(7)",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Body = v.Text },
		},
	},
	Settings{},
	nil,
	func(struct{}) ([]notifiers.Target, error) { return []notifiers.Target{Target{}}, nil },
)
