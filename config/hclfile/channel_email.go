package hclfile

import (
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
)

// recipients are what a notify block says to an email notifier.
type recipients struct{ to, cc []string }

var emailChannel = newChannel(channel{kind: notifiers.Email}, "Email over SMTP",
	table[email.Settings]{
		{
			attribute{name: "host", kind: hostname, required: true, doc: "The mail server to hand messages to"},
			func(s *email.Settings, v value) { s.Host = v.text },
		},
		{
			attribute{name: "port", kind: integer(1, 65535), fallback: "587", doc: "Its port"},
			func(s *email.Settings, v value) { s.Port = int(v.number) },
		},
		{
			attribute{name: "security", kind: oneOf("starttls", "tls", "none"), fallback: `"starttls"`, doc: `How the connection becomes encrypted; "none" for a host on this machine only`},
			func(s *email.Settings, v value) { s.Security = v.text },
		},
		{
			attribute{name: "username", kind: text, doc: "The account to log in with"},
			func(s *email.Settings, v value) { s.Username = v.text },
		},
		{
			attribute{name: "password", kind: secret, secret: true, doc: "Its password"},
			func(s *email.Settings, v value) { s.Password = v.secret },
		},
		{
			attribute{name: "auth", kind: oneOf(append([]string{"auto"}, email.Mechanisms()...)...), fallback: `"auto"`, doc: "How to log in: the best that both sides know, or one mechanism"},
			func(s *email.Settings, v value) { s.Auth = v.text },
		},
		{
			attribute{name: "from", kind: emailAddress, required: true, doc: "The sender, like \"imapvigil <alerts@example.net>\""},
			func(s *email.Settings, v value) { s.From = v.text },
		},
		{
			attribute{name: "hello", kind: domainName, fallback: "the address of this machine", doc: "What this machine calls itself in EHLO"},
			func(s *email.Settings, v value) { s.Hello = v.text },
		},
		{
			attribute{name: "ca_file", kind: authorityFile, fallback: "the system's roots", doc: "The authorities to trust instead, in PEM"},
			func(s *email.Settings, v value) { s.CA = v.text },
		},
	}, email.Settings{Port: 587, Security: "starttls", Auth: "auto"},
	table[recipients]{
		{
			attribute{name: "to", kind: texts(emailAddress), required: true, doc: "Who gets the message"},
			func(r *recipients, v value) { r.to = v.list },
		},
		{
			attribute{name: "cc", kind: texts(emailAddress), doc: "Who gets a copy"},
			func(r *recipients, v value) { r.cc = v.list },
		},
	},
	func(r recipients) ([]notifiers.Target, error) {
		t, err := email.NewTarget(r.to, r.cc)
		return []notifiers.Target{t}, err
	})
