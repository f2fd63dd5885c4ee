package teams

import (
	_ "embed"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "teams"

//go:embed guide.mdoc
var guide string

// Channel is Microsoft Teams, by a workflow.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Microsoft Teams, by a workflow", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxMessage / 2, Unit: notifiers.Bytes}},
		Abilities: notifiers.Abilities{Mentions: true, Proof: "status 202 of Workflows"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "url", Type: notifiers.HookURL, Required: true,
				Doc: "The URL of the workflow, as Teams shows it when the workflow is made",
			},
			Set: func(s *Settings, v notifiers.Value) { s.URL = v.Secret },
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "mention", Type: notifiers.People,
				Doc: "Whom to mention, like [{ id = \"anna@example.net\", name = \"Anna\" }]. The id is the name that a person logs in with, or the object id of Microsoft Entra",
			},
			Set: func(t *Target, v notifiers.Value) { t.Mention = notifiers.JoinSet(v.List) },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(notifiers.SplitList(t.Mention))
		return []notifiers.Target{made}, err
	},
)
