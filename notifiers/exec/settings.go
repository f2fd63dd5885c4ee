// Package exec is the channel that runs a program: one run a message, which is its own
// receiver or hands the message on.
//
// It owns how the program is run (no shell, an environment of its own, one run at a
// time, an end whatever the program does) and what its exit status means. It never puts a
// server's words into an argument or into the environment, only into standard input.
//
// A caller may rely on this: no process of a run that took too long is left, and nothing
// that a program writes can fill the memory.
package exec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// DefaultTimeout is how long a run may take where nothing is written.
const DefaultTimeout = 30 * time.Second

// Settings are a notifier block of kind exec.
type Settings struct {
	Command string        // the program and its arguments, as [notifiers.JoinList] makes them
	Input   string        // what comes on standard input: "json" or "text"
	Env     opaque.Secret // further variables, as [notifiers.JoinMap] makes them
	Timeout time.Duration // of a run; 0: DefaultTimeout
	Batch   bool          // people read the messages, which are gathered
}

// Kind is that of programs, or of people where the messages are gathered for them.
func (s Settings) Kind() notifiers.Kind {
	if s.Batch {
		return batchKind
	}
	return Kind
}

// Patience implements [notifiers.Patient].
func (s Settings) Patience() time.Duration { return s.timeout() + turn + grace }

func (s Settings) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// A Target is what takes the place of {to}; empty where the command has none.
type Target struct {
	To string `json:"to,omitempty"`
}

// String names what takes the place of {to}.
func (t Target) String() string { return t.To }

// DecodeTarget reads a [Target] from JSON.
func (Settings) DecodeTarget(data []byte) (notifiers.Target, error) {
	return notifiers.DecodeTarget[Target](data)
}

// CheckTarget implements [notifiers.TargetChecker].
func (s Settings) CheckTarget(to notifiers.Target) error {
	target, ok := to.(Target)
	command := notifiers.SplitList(s.Command)
	wanted := slices.ContainsFunc(command, func(arg string) bool { return strings.Contains(arg, "{to}") })
	switch {
	case !ok:
		return fmt.Errorf("exec cannot reach a %T", to)
	case target.To != "" && !wanted:
		return errors.New("to: the command of the notifier has no {to} in its arguments, so nobody would get it")
	case target.To == "" && wanted:
		return errors.New("to is missing: the command of the notifier has {to} in its arguments")
	case strings.HasPrefix(target.To, "-") && slices.ContainsFunc(command, func(arg string) bool { return strings.HasPrefix(arg, "{to}") }):
		return fmt.Errorf("to: %q would be an option of the program: write an argument such as --to={to} into command", target.To)
	}
	return nil
}

// targets makes a target of each of those whom a notify block names.
func targets(to []string) (list []notifiers.Target, err error) {
	if len(to) == 0 {
		return []notifiers.Target{Target{}}, nil
	}
	for _, name := range to {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return nil, fmt.Errorf("to: %q must be one line that is not empty", name)
		}
		list = append(list, Target{To: name})
	}
	return list, nil
}

// Open implements [notifiers.Settings]. A program that is not there, or not to be seen by this
// user, is no error yet: it may be installed later, or on another machine than the one
// where the files are checked. See [Settings.Advice].
func (s Settings) Open() (notifiers.Notifier, error) {
	command := notifiers.SplitList(s.Command)
	if err := checkCommand(command); err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	if err := checkProgram(command[0]); err != nil && !isAbsent(err) {
		return nil, fmt.Errorf("command: %w", err)
	}
	own := notifiers.SplitMap(s.Env.Reveal())
	if err := checkEnvironment(own); err != nil {
		return nil, fmt.Errorf("env: %w", err)
	}
	switch s.Input {
	case "", inputJSON, inputText:
	default:
		return nil, fmt.Errorf("input: %q is neither %q nor %q", s.Input, inputJSON, inputText)
	}
	n := &notifier{settings: s, command: command, env: own, slot: make(chan struct{}, 1), secrets: &opaque.Scrubber{}}
	n.secrets.Add(formsOf(own)...)
	return n, nil
}

// Advice implements [notifiers.Adviser].
func (s Settings) Advice() string {
	command := notifiers.SplitList(s.Command)
	if len(command) == 0 {
		return ""
	}
	// The path is not repeated: it may come from elsewhere, and is shown only where it is written.
	if err := checkProgram(command[0]); isAbsent(err) {
		return "The program of command does not exist, or this user cannot see it. Messages cannot be delivered before it is there."
	}
	return ""
}
