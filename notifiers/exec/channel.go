package exec

import (
	_ "embed"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Kind is what a notifier block calls this channel.
const Kind notifiers.Kind = "exec"

// batchKind is that of notifiers with batch = true: it stands in the journal and not in
// the language.
const batchKind notifiers.Kind = "exec-batch"

//go:embed guide.mdoc
var guide string

// Channel is a program that is run, for programs.
var Channel = channel(Kind, notifiers.Traits{})

// With batch = true people read what the program gets.
var _ = channel(batchKind, notifiers.Traits{People: true})

func channel(kind notifiers.Kind, traits notifiers.Traits) notifiers.Channel {
	return notifiers.NewChannel(
		notifiers.Channel{Kind: kind, Doc: "A program that is run, once a message, without a shell", Guide: guide, Traits: traits},
		[]notifiers.Row[Settings]{
			{
				Attribute: notifiers.Attribute{
					Name: "command", List: true, NotEmpty: true, Repeats: true, Required: true,
					Doc: "The whole path of the program, and its arguments. In an argument {subject}, {short}, {type}, {severity}, {check}, {incident}, {url} and {to} are replaced; none holds a server's words",
				},
				Set: func(s *Settings, v notifiers.Value) { s.Command = notifiers.JoinList(v.List) },
			},
			{
				Attribute: notifiers.Attribute{
					Name: "input", Type: notifiers.Choice, Choices: []string{inputJSON, inputText}, Default: inputJSON,
					Doc: "What the program reads from standard input: the JSON of a webhook with the message as text beside it, or the text alone",
				},
				Set: func(s *Settings, v notifiers.Value) { s.Input = v.Text },
			},
			{
				Attribute: notifiers.Attribute{
					Name: "env", Type: notifiers.SecretMap,
					Doc: "Further variables of the environment, which may be secrets",
				},
				Set: func(s *Settings, v notifiers.Value) { s.Env = v.Secret },
			},
			{
				Attribute: notifiers.Attribute{
					Name: "timeout", Type: notifiers.Span, Default: "30s", Shortest: time.Second, Longest: 5 * time.Minute,
					Doc: "How long a run may take",
				},
				Set: func(s *Settings, v notifiers.Value) { s.Timeout = v.Duration },
			},
			{
				Attribute: notifiers.Attribute{
					Name: "batch", Type: notifiers.Bool, Default: "false",
					Doc: "Whether people read what the program gets: messages are then gathered and spaced as for people",
				},
				Set: func(s *Settings, v notifiers.Value) { s.Batch = v.Bool },
			},
		},
		Settings{Input: inputJSON, Timeout: DefaultTimeout},
		[]notifiers.Row[[]string]{
			{
				Attribute: notifiers.Attribute{
					Name: "to", List: true, NotEmpty: true,
					Doc: "What takes the place of {to}: the program is run for each",
				},
				Set: func(to *[]string, v notifiers.Value) { *to = v.List },
			},
		},
		targets,
	)
}
