package pagerduty

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

//go:embed guide.mdoc
var guide string

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "pagerduty"

// Channel is PagerDuty, which calls people by its own rules.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "PagerDuty, by the Events API v2", Guide: guide,
		Abilities: notifiers.Abilities{Proof: "status 202 and the key of the incident"},
		Traits:    notifiers.Traits{Acknowledged: true, Resolves: true},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "routing_key", Type: notifiers.Secret, Required: true,
				Doc: "The integration key of a service or an event orchestration, of 32 characters",
			},
			Set: func(s *Settings, v notifiers.Value) { s.RoutingKey = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "api_url", Type: notifiers.URL, Default: `"https://events.pagerduty.com"`,
				Doc: "Where the Events API is; https://events.eu.pagerduty.com in the EU region",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIURL = v.Text },
		},
	},
	Settings{},
	[]notifiers.Row[map[string]string]{
		{
			Attribute: notifiers.Attribute{
				Name: "severity_map", Type: notifiers.Map, Default: `{ down = "critical", degraded = "warning", monitor = "error" }`,
				Doc: "The severity of an event by the state of the incident: critical, error, warning or info. monitor is for problems of imapvigil itself",
			},
			Set: func(severities *map[string]string, v notifiers.Value) { *severities = v.Map },
		},
	},
	func(severities map[string]string) ([]notifiers.Target, error) {
		target, err := NewTarget(severities)
		if err != nil {
			return nil, err
		}
		return []notifiers.Target{target}, nil
	},
)

// Settings are a notifier block of kind pagerduty.
type Settings struct {
	RoutingKey opaque.Secret
	APIURL     string // empty: PagerDuty's
}

// Kind implements [notifiers.Settings].
func (Settings) Kind() notifiers.Kind { return Kind }

// Receiver implements [notifiers.Bound]: an alert is resolved by the key that opened it.
func (s Settings) Receiver() opaque.Secret { return s.RoutingKey }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// A Target says how severe events are. The routing key says where they go.
type Target struct {
	Severities string `json:"severities,omitempty"` // as [notifiers.JoinMap] makes them
}

// String is empty: role and notifier name the destination.
func (Target) String() string { return "" }

// severities are those of PagerDuty by the states of incidents, unless a target says
// otherwise.
var severities = map[string]string{"down": "critical", "degraded": "warning", "monitor": "error"}

// NewTarget makes a target of severities by state.
func NewTarget(wanted map[string]string) (Target, error) {
	for _, state := range slices.Sorted(maps.Keys(wanted)) {
		if severities[state] == "" {
			return Target{}, fmt.Errorf("severity_map: %q is no state: they are down, degraded and monitor", state)
		}
		if !slices.Contains([]string{"critical", "error", "warning", "info"}, wanted[state]) {
			return Target{}, fmt.Errorf("severity_map: the severity of %s must be critical, error, warning or info, not %q", state, wanted[state])
		}
	}
	return Target{Severities: notifiers.JoinMap(wanted)}, nil
}

// severity returns the severity of an event about an incident.
func (t Target) severity(in notifiers.Incident) string {
	state := "degraded"
	switch {
	case in.Condition == "monitor":
		state = "monitor"
	case in.Severity == "down":
		state = "down"
	}
	if wanted := notifiers.SplitMap(t.Severities)[state]; wanted != "" {
		return wanted
	}
	return severities[state]
}
