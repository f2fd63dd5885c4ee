package email

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "email"

// recipients are what a notify block says.
type recipients struct{ to, cc []string }

// Channel is email over SMTP.
var Channel = notifiers.NewChannel(
	notifiers.Channel{Kind: Kind, Doc: "Email over SMTP", Guide: guide, Abilities: notifiers.Abilities{Threads: true, Proof: "reply of the mail server, 250"}, Traits: notifiers.Traits{People: true, Place: place}},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "host", Type: notifiers.Hostname, Required: true,
				Doc: "The mail server to hand messages to",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Host = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "port", Type: notifiers.Number, Min: 1, Max: 65535, Default: "587",
				Doc: "Its port",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Port = v.Number },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "security", Type: notifiers.Choice, Choices: []string{"starttls", "tls", "opportunistic", "none"}, Default: `"starttls"`,
				Doc: `How the connection is encrypted: "starttls" and "tls" send nothing without a verified certificate. "opportunistic" uses STARTTLS if the relay offers it, with any certificate unless username, ca_file or tls_server_name is set, and never sends a password without verified TLS. "none" is for relays without TLS, often on port 25, and allows no username; validate warns if the relay is not on this machine`,
			},
			Set: func(s *Settings, v notifiers.Value) { s.Security = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "tls_server_name", Type: notifiers.DomainName, Default: "host",
				Doc: "The name that the relay's certificate must be for, if it is not host",
			},
			Set: func(s *Settings, v notifiers.Value) { s.TLSServerName = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "username", Doc: "The account to log in with"},
			Set:       func(s *Settings, v notifiers.Value) { s.Username = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "password", Type: notifiers.Secret, Doc: "Its password"},
			Set:       func(s *Settings, v notifiers.Value) { s.Password = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "auth", Type: notifiers.Choice, Choices: append([]string{"auto"}, Mechanisms()...), Default: `"auto"`,
				Doc: "How to log in: the best that both sides know, or one mechanism",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Auth = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "from", Type: notifiers.EmailAddress, Required: true,
				Doc: "The sender, like \"imapvigil <alerts@example.net>\"",
			},
			Set: func(s *Settings, v notifiers.Value) { s.From = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "hello", Type: notifiers.DomainName, Default: "the address of this machine",
				Doc: "What this machine calls itself in EHLO",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Hello = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ca_file", Type: notifiers.Certificates, Default: "the system's roots",
				Doc: "The authorities to trust instead of the system's, in PEM",
			},
			Set: func(s *Settings, v notifiers.Value) { s.CA = v.Text },
		},
	},
	Settings{Port: 587, Security: "starttls", Auth: "auto"},
	[]notifiers.Row[recipients]{
		{
			Attribute: notifiers.Attribute{
				Name: "to", Type: notifiers.EmailAddress, List: true, Required: true,
				Doc: "Who gets the message",
			},
			Set: func(r *recipients, v notifiers.Value) { r.to = v.List },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "cc", Type: notifiers.EmailAddress, List: true,
				Doc: "Who gets a copy",
			},
			Set: func(r *recipients, v notifiers.Value) { r.cc = v.List },
		},
	},
	func(r recipients) ([]notifiers.Target, error) {
		t, err := NewTarget(r.to, r.cc)
		return []notifiers.Target{t}, err
	},
)
