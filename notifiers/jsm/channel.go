package jsm

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "jsm"

// block is what a notify block says.
type block struct {
	priority   map[string]string
	tags       []string
	responders []string
}

// Channel is Jira Service Management, which calls people by its own rules, and Opsgenie, which has the
// same API until it ends.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Jira Service Management (Operations), and Opsgenie until it ends", Guide: guide,
		Abilities: notifiers.Abilities{Proof: "status 202 and an id of the request"},
		Traits:    notifiers.Traits{Acknowledged: true, Resolves: true},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "api_key", Type: notifiers.Secret, Required: true,
				Doc: "The key of an API integration of a team",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIKey = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "api_url", Type: notifiers.URL, Default: `"` + apiURL + `"`,
				Doc: "Where the API is; https://api.opsgenie.com or https://api.eu.opsgenie.com for Opsgenie",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIURL = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[block]{
		{
			Attribute: notifiers.Attribute{
				Name: "priority", Type: notifiers.Map, Default: `{ down = "P1", degraded = "P3", monitor = "P3" }`,
				Doc: "The priority of an alert by the state of the incident when it is reported, P1 to P5. monitor is for problems of imapvigil itself",
			},
			Set: func(b *block, v notifiers.Value) { b.priority = v.Map },
		},
		{
			Attribute: notifiers.Attribute{Name: "tags", List: true, Doc: "Tags of each alert"},
			Set:       func(b *block, v notifiers.Value) { b.tags = v.List },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "responders", List: true, Default: "those of the integration",
				Doc: "Who gets each alert: \"team:NAME\", \"user:EMAIL\", \"escalation:NAME\" or \"schedule:NAME\"",
			},
			Set: func(b *block, v notifiers.Value) { b.responders = v.List },
		},
	},
	func(b block) ([]notifiers.Target, error) {
		target, err := NewTarget(b.priority, b.tags, b.responders)
		if err != nil {
			return nil, err
		}
		return []notifiers.Target{target}, nil
	},
)

// Settings are a notifier block of kind jsm.
type Settings struct {
	APIKey opaque.Secret
	APIURL string // empty: that of Jira Service Management
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: an alert belongs to the integration whose key opened it.
func (s Settings) Receiver() opaque.Secret { return s.APIKey }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}
