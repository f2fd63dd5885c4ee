package exec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/fit"
)

// placeholders are what looks like one; other braces stand for themselves.
var placeholders = regexp.MustCompile(`\{[a-z_]+\}`)

var known = map[string]bool{
	"{subject}": true, "{short}": true, "{type}": true, "{severity}": true, "{check}": true, "{incident}": true, "{url}": true, "{to}": true,
}

func knownNames() string { return strings.Join(slices.Sorted(maps.Keys(known)), ", ") }

// maxValue bounds what takes the place of a placeholder, in bytes: Linux takes 128 KiB in an
// argument.
const maxValue = 4096

// valuesOf returns what takes the place of the placeholders. No word of a server is in it. What
// only one incident has is empty in a message about several.
func valuesOf(m notifiers.Message, to string) map[string]string {
	values := map[string]string{
		"{subject}": m.Subject(), "{short}": m.Short(), "{type}": typeOf(m), "{severity}": worst(m.Items), "{to}": to,
		"{check}": "", "{incident}": "", "{url}": "",
	}
	if len(m.Items) == 1 {
		in := m.Items[0].Incident
		values["{check}"], values["{incident}"], values["{url}"] = in.Check, in.ID, in.URL
	}
	for name, value := range values {
		values[name] = fit.Bytes.Cut(oneLine(value), maxValue)
	}
	return values
}

// oneLine returns a text in which nothing ends a line or an argument.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// typeOf returns the type of a message as it stands in the JSON.
func typeOf(m notifiers.Message) string {
	switch len(m.Items) {
	case 0:
		return string(notifiers.Test)
	case 1:
		return "incident." + string(m.Items[0].Transition)
	}
	return severalType
}

// worst returns the worst severity of what is told.
func worst(items []notifiers.Item) (severity string) {
	for _, item := range items {
		if severity != "down" {
			severity = item.Incident.Severity
		}
	}
	return severity
}

// fill returns the arguments with the values in place. One that begins with a dash only
// because of a value would be an option of the program, which nobody wrote.
func fill(command []string, values map[string]string) ([]string, error) {
	filled := make([]string, len(command))
	for i, arg := range command {
		filled[i] = placeholders.ReplaceAllStringFunc(arg, func(name string) string { return values[name] })
		if i > 0 && strings.HasPrefix(filled[i], "-") && !strings.HasPrefix(arg, "-") {
			return nil, fmt.Errorf("argument %d, %q, would be an option of the program: it is %q", i, arg, filled[i])
		}
	}
	return filled, nil
}
