package telegram

import (
	_ "embed"
	"math"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "telegram"

//go:embed guide.mdoc
var guide string

// Channel is Telegram, as a bot.
var Channel = notifiers.NewChannel(
	notifiers.Channel{
		Kind: Kind, Doc: "Telegram, as a bot", Guide: guide,
		Traits:    notifiers.Traits{People: true, MaxText: notifiers.Limit{Most: maxText, Unit: notifiers.UTF16}},
		Abilities: notifiers.Abilities{Threads: true, Updates: true, Acknowledges: true, Quiet: true, Proof: "id of the message"},
	},
	[]notifiers.Row[Settings]{
		{
			Attribute: notifiers.Attribute{
				Name: "token", Type: notifiers.Secret, Required: true,
				Doc: "The token of the bot from BotFather, which is a number, a colon, and letters",
			},
			Set: func(s *Settings, v notifiers.Value) { s.Token = v.Secret },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "api_url", Type: notifiers.URL, Default: "Telegram's",
				Doc: "Where the Bot API is, for those who run a server of their own",
			},
			Set: func(s *Settings, v notifiers.Value) { s.APIURL = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "ackers", List: true, Default: "nobody: messages have no such button",
				Doc: "The numbers of the people who may acknowledge by a button, like \"110201543\". Only one program may ask for what a bot is sent: this daemon",
			},
			Set: func(s *Settings, v notifiers.Value) {
				s.Ackers = strings.Join(slices.Sorted(slices.Values(v.List)), " ")
			},
		},
	},
	Settings{},
	[]notifiers.Row[Target]{
		{
			Attribute: notifiers.Attribute{
				Name: "chat", Required: true,
				Doc: "The number of the chat, which is negative for a group, like \"-1002718281828\", or the public name of a channel, like \"@mailops\"",
			},
			Set: func(t *Target, v notifiers.Value) { t.Chat = v.Text },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "topic", Type: notifiers.Number, Min: 1, Max: math.MaxInt32, Default: "the group's general topic",
				Doc: "The number of a topic of the group. Where the topic is closed or deleted, messages go to the general one",
			},
			Set: func(t *Target, v notifiers.Value) { t.Topic = v.Number },
		},
		{
			Attribute: notifiers.Attribute{
				Name: "silent", Type: notifiers.Bool, Default: "false",
				Doc: "Whether messages arrive without a sound. The end of an incident always does",
			},
			Set: func(t *Target, v notifiers.Value) { t.Silent = v.Bool },
		},
	},
	func(t Target) ([]notifiers.Target, error) {
		made, err := NewTarget(t.Chat, t.Topic, t.Silent)
		return []notifiers.Target{made}, err
	},
)
