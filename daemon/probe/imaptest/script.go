package imaptest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Script says what a [Server] does with its first, second, ... connection.
type Script struct {
	connections [][]step
}

// A step is one line of a script.
type step struct {
	verb  string
	text  string
	words []string
	count int
	pause time.Duration
}

const separator = "--- next connection"

// Parse reads a script. An error names the line.
func Parse(text string) (Script, error) {
	script := Script{connections: make([][]step, 1)}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
			continue
		case line == separator:
			script.connections = append(script.connections, nil)
			continue
		}
		s, err := parseStep(line)
		if err != nil {
			return Script{}, fmt.Errorf("line %d: %w", number, err)
		}
		last := &script.connections[len(script.connections)-1]
		*last = append(*last, s)
	}
	return script, nil
}

// MustParse is Parse for scripts that are part of a program; it panics.
func MustParse(text string) Script {
	script, err := Parse(text)
	if err != nil {
		panic("imaptest: " + err.Error())
	}
	return script
}

func (s Script) connection(i int) []step {
	// The last part serves all further connections.
	return s.connections[min(i, len(s.connections)-1)]
}

func parseStep(line string) (s step, err error) {
	verb, text, _ := strings.Cut(line, " ")
	s = step{verb: verb, text: text}
	switch verb {
	case "S:", "C:", "C", "spoken-to", "until", "large-hello", "proxy", "silence", "close", "half-close", "reset":
	case "tls", "serve", "caps":
		s.words = strings.Fields(text)
	case "raw":
		s.text, err = strconv.Unquote(text)
	case "pause":
		s.pause, err = time.ParseDuration(text)
	case "drip", "trickle":
		head, rest, _ := strings.Cut(text, " ")
		s.text = rest
		s.pause, err = time.ParseDuration(head)
	case "repeat", "fill":
		head, rest, _ := strings.Cut(text, " ")
		s.text = rest
		s.count, err = strconv.Atoi(head)
	default:
		return s, fmt.Errorf("%q is no step; known are %s", verb, strings.Join(verbs, ", "))
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", verb, err)
	}
	return s, nil
}

var verbs = []string{
	"S:", "C:", "C", "spoken-to", "tls", "proxy", "raw", "drip", "repeat", "fill", "pause",
	"trickle", "caps", "until", "serve", "large-hello", "silence", "close", "half-close", "reset", separator,
}

// matches reports whether a command fits a pattern in which * stands for any
// text.
func matches(pattern, command string) bool {
	// Commands mean the same in any letter case, RFC 9051 section 9.
	parts := strings.Split(strings.ToUpper(pattern), "*")
	command = strings.ToUpper(command)
	if len(parts) == 1 {
		return command == parts[0]
	}
	rest, found := strings.CutPrefix(command, parts[0])
	if !found {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}
