package wording

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Body is the attribute whose template makes JSON.
const Body = "body"

// comparisons are the functions of text/template that templates may use. Those that it has
// beside them make markup, call what is in the data, or print the address of a value.
var comparisons = map[string]any{
	"and": true, "or": true, "not": true, "eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true,
	"len": true, "index": true, "slice": true,
}

// FunctionNames lists the functions for a sentence.
func FunctionNames() string {
	names := slices.Collect(maps.Keys(comparisons))
	for name := range functions("", Data{}, nil) {
		if name != stepName {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// functions returns those of an attribute's template for one rendering.
func functions(attribute string, data Data, b *budget) template.FuncMap {
	all := template.FuncMap{
		"upper":    func(text string) (string, error) { return b.keep(strings.ToUpper(text)) },
		"lower":    func(text string) (string, error) { return b.keep(strings.ToLower(text)) },
		"join":     func(x, y any) (string, error) { return join(b, x, y) },
		"default":  orDefault,
		"truncate": truncate,
		"first":    first,
		"time":     formatTime,
		"ago":      func(m *Moment) string { return ago(data.At, m) },
		"printf":   func(format string, args ...any) (string, error) { return sprintf(b, format, args) },
		stepName:   b.step,
	}
	if attribute == Body {
		all["json"] = func(value any) (string, error) { return quote(b, value) }
	}
	return all
}

// join puts a separator between texts. It takes both in either order, since join of other
// template languages take them in either.
func join(b *budget, x, y any) (string, error) {
	if texts, ok := x.([]string); ok {
		x, y = y, texts
	}
	separator, isText := x.(string)
	texts, isList := y.([]string)
	if !isText || !isList {
		return "", errors.New(`it takes a string and a list, like join ", " .Groups`)
	}
	size := 0
	for _, text := range texts {
		size += len(text) + len(separator)
	}
	if size > MaxOutput {
		return "", errTooMuch
	}
	return b.keep(strings.Join(texts, separator))
}

// orDefault returns the value, or the other where the value is empty.
func orDefault(other, value any) any {
	if truth, _ := template.IsTrue(value); truth {
		return value
	}
	return other
}

// truncate cuts a text to some characters, the ellipsis included. Like join it takes both in
// either order.
func truncate(x, y any) (string, error) {
	if text, ok := x.(string); ok {
		x, y = y, text
	}
	most, isNumber := x.(int)
	text, isText := y.(string)
	if !isNumber || !isText || most < 1 {
		return "", errors.New("it takes a number from 1 and a string, like truncate 80 .Headline")
	}
	if utf8.RuneCountInString(text) <= most {
		return text, nil
	}
	return strings.TrimRight(string([]rune(text)[:most-1]), " ") + "…", nil
}

// first returns at most so many items or texts.
func first(most int, list any) (any, error) {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice || most < 0 {
		return nil, errors.New("it takes a number and a list, like first 3 .Items")
	}
	return v.Slice(0, min(most, v.Len())).Interface(), nil
}

// formatTime writes a time as a layout of Go's says, on the clocks of the readers.
func formatTime(layout string, m *Moment) (string, error) {
	switch {
	case m == nil:
		return "", nil
	case len(layout) > maxLayout:
		return "", fmt.Errorf("a layout has at most %d bytes", maxLayout)
	}
	return m.at.In(m.zone).Format(layout), nil
}

const maxLayout = 100

// ago says how long before the message was decided a moment was.
func ago(at, m *Moment) string {
	if at == nil || m == nil {
		return ""
	}
	return notifiers.Duration(at.at.Sub(m.at))
}

// sprintf is printf for texts, numbers and times. Others have parts that nobody should see,
// such as addresses, which differ from one attempt to the next.
func sprintf(b *budget, format string, args []any) (string, error) {
	for i, arg := range args {
		switch value := arg.(type) {
		case string, int, float64, bool:
		case *Moment:
			args[i] = value.String()
		default:
			return "", errors.New("it takes strings, numbers and times")
		}
	}
	return b.keep(fmt.Sprintf(format, args...))
}

// quote writes a value as JSON.
func quote(b *budget, value any) (string, error) {
	switch value := value.(type) {
	case string, int, float64, bool, *Moment:
	case []string:
		if value == nil {
			return "[]", nil
		}
	default:
		return "", errors.New("it takes a string, a number, a time, true, false or a list of strings")
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return b.keep(string(text))
}
