package pushover

import (
	_ "embed"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "pushover"

//go:embed guide.mdoc
var guide string

// Channel is Pushover. It hears of acknowledgements, since they end the ringing of phones.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Pushover, on phones, also until somebody acknowledges", Guide: guide,
		Traits:    notifiers.Traits{People: true, Acknowledged: true, PerHour: 60, MaxText: notifiers.Limit{Most: maxMessage, Unit: notifiers.Runes}},
		Abilities: notifiers.Abilities{Acknowledges: true, Quiet: true, Proof: "id of the request, with the status 1"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The API token of the application that you made at Pushover",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "api_url", Type: notifiers.URL, Default: "Pushover's",
				Doc: "Where the API is",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIURL = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[written]{
		{
			Attribute: notifiers.Attribute{
				Name: "to", List: true, NotEmpty: true, Required: true,
				Doc: "The keys of users or groups; each gets its own message",
			},
			Set: func(w *written, v notifiers.Value) { w.keys = v.List },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "device", Default: "all devices of the user",
				Doc: "The name of a device, or several with commas between them",
			},
			Set: func(w *written, v notifiers.Value) { w.Device = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "priority", Type: notifiers.Number, Min: -2, Max: 2, Default: "1",
				Doc: "The priority of what is down or has escalated: 1 also rings in quiet hours, 2 rings until somebody acknowledges. What is degraded has 0 at most, an end -1",
			},
			Set: func(w *written, v notifiers.Value) { w.Priority = strconv.Itoa(v.Number) },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "retry", Type: notifiers.Span, Shortest: 30 * time.Second, Longest: longestRing, Default: `"1m"`,
				Doc: "With priority 2: how often phones ring again",
			},
			Set: func(w *written, v notifiers.Value) { w.Retry = int(v.Duration / time.Second) },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "expire", Type: notifiers.Span, Shortest: 30 * time.Second, Longest: longestRing, Default: `"1h"`,
				Doc: "With priority 2: when phones stop ringing although nobody has acknowledged",
			},
			Set: func(w *written, v notifiers.Value) { w.Expire = int(v.Duration / time.Second) },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "sound", Default: "the user's own",
				Doc: "The name of a sound of Pushover, like \"siren\"",
			},
			Set: func(w *written, v notifiers.Value) { w.Sound = v.Text },
		},
	},
	func(w written) (targets []notifiers.Target, err error) {
		for _, key := range w.keys {
			w.Key = key
			made, err := NewTarget(w.Target)
			if err != nil {
				return nil, err
			}
			targets = append(targets, made)
		}
		return targets, nil
	},
)

// written is what stands in a notify block: a target for each key.
type written struct {
	Target
	keys []string
}
