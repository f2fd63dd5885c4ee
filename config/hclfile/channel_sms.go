package hclfile

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/sms"
)

// numbers are what a notify block says to an sms notifier.
type numbers struct{ to []string }

var smsChannel = newChannel(channel{kind: notifiers.SMS, severity: config.SeverityDown, perHour: 30}, "Text messages through Twilio or another gateway",
	table[sms.Settings]{
		{
			attribute{name: "provider", kind: oneOf("twilio", "http"), required: true, doc: "The gateway: Twilio, or any that takes an HTTP request a message"},
			func(s *sms.Settings, v value) { s.Provider = v.text },
		},
		{
			attribute{name: "from", kind: text, doc: "The sender: a number, or a name where the country allows one"},
			func(s *sms.Settings, v value) { s.From = v.text },
		},
		{
			attribute{name: "account_sid", kind: text, doc: "twilio: the account"},
			func(s *sms.Settings, v value) { s.AccountSID = v.text },
		},
		{
			attribute{name: "auth_token", kind: secret, secret: true, doc: "twilio: its token"},
			func(s *sms.Settings, v value) { s.AuthToken = v.secret },
		},
		{
			attribute{name: "base_url", kind: secureURL, fallback: "Twilio's", doc: "twilio: where the API is"},
			func(s *sms.Settings, v value) { s.BaseURL = v.text },
		},
		{
			attribute{name: "url", kind: secretURL, secret: true, doc: "http: where to send the request. {to}, {text}, {from} and {key} are filled in"},
			func(s *sms.Settings, v value) { s.URL = v.secret },
		},
		{
			attribute{name: "method", kind: oneOf("POST", "PUT", "GET"), fallback: `"POST"`, doc: "http: the method of the request"},
			func(s *sms.Settings, v value) { s.Method = v.text },
		},
		{
			attribute{name: "headers", kind: headers, secret: true, doc: "http: headers of the request"},
			func(s *sms.Settings, v value) { s.Headers = v.secret },
		},
		{
			attribute{name: "body", kind: hidden, secret: true, doc: "http: the body, in which {to}, {text}, {from} and {key} are filled in"},
			func(s *sms.Settings, v value) { s.Body = v.secret },
		},
		{
			attribute{name: "success", kind: text, fallback: "any 2xx", doc: "http: the codes of success, like \"200, 202\", or a text that the answer has then"},
			func(s *sms.Settings, v value) { s.Success = v.text },
		},
	}, sms.Settings{},
	table[numbers]{
		{
			attribute{name: "to", kind: atLeastOne(texts(phoneNumber)), required: true, doc: "Who gets the message; each number is told apart from the others"},
			func(n *numbers, v value) { n.to = v.list },
		},
	},
	func(n numbers) ([]notifiers.Target, error) {
		var targets []notifiers.Target
		for _, number := range n.to {
			target, err := sms.NewTarget(number)
			if err != nil {
				return nil, err
			}
			targets = append(targets, target)
		}
		return targets, nil
	})
