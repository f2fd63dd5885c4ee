package alertmanager

import (
	_ "embed"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "alertmanager"

// Channel is the Alertmanager of Prometheus, which tells people by its own rules.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Prometheus Alertmanager, which routes alerts by rules of its own", Guide: guide,
		Abilities: notifiers.Abilities{Proof: "status 200 and an empty body"},
		Traits:    notifiers.Traits{Resolves: true},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "urls", Type: notifiers.SecretURLs, Required: true,
				Doc: "Every Alertmanager of the cluster, without /api/v2: each gets each alert, so never a load balancer. http:// is allowed to this machine, and to others where no password, no token and no secret in a URL is sent, with a warning",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URLs = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{Name: "username", Doc: "Who logs in, with password"},
			Set:       func(s *Settings, v notifiers.Value) { s.Username = v.Text },
		},
		{
			Attribute: notifiers.Attribute{Name: "password", Type: notifiers.Secret, Doc: "The password of username"},
			Set:       func(s *Settings, v notifiers.Value) { s.Password = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret,
				Doc: "A bearer token, instead of username and password",
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
		{
			Attribute: notifiers.Attribute{
				Name: "resend", Type: notifiers.Span, Shortest: 5 * time.Second, Longest: 10 * time.Minute, Default: `"1m"`,
				Doc: "How often each open alert is sent again. Alertmanager resolves an alert that was not sent again for four times as long",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Resend = v.Duration },
		},
	},
	Settings{Resend: time.Minute},
	[]notifiers.Row[map[string]string]{
		{
			Attribute: notifiers.Attribute{
				Name: "labels", Type: notifiers.Map,
				Doc: "Further labels of each alert, for the routes of Alertmanager",
			},
			Set: func(labels *map[string]string, v notifiers.Value) { *labels = v.Map },
		},
	},
	func(labels map[string]string) ([]notifiers.Target, error) {
		target, err := NewTarget(labels)
		if err != nil {
			return nil, err
		}
		return []notifiers.Target{target}, nil
	},
)

// Settings are a notifier block of kind alertmanager.
type Settings struct {
	URLs     opaque.Secret // as [notifiers.JoinList] makes them
	Username string
	Password opaque.Secret
	Token    opaque.Secret
	CA       string        // PEM, instead of the system's roots
	Resend   time.Duration // above 0
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// ResendEvery implements [notifiers.Resender]: Alertmanager keeps no alert for ever, and
// none over its restart.
func (s Settings) ResendEvery() time.Duration { return s.Resend }
