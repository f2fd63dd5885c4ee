package hclfile

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// The functions that decode a text say what is wrong with it, and in which line of
// the text. They repeat nothing of it: it may be a list of accounts.

// explained returns a decoding function with complaints of ours. Each decoder looks at
// the text again, and gives what is wrong as a sentence without an end, or "".
func explained(name string, f function.Function, wrong func(text string, err error) string) function.Function {
	explain := func(args []cty.Value, err error) error {
		if err == nil || len(args) == 0 || !args[0].IsKnown() || args[0].IsNull() || args[0].Type() != cty.String {
			return err
		}
		if text := wrong(args[0].AsString(), err); text != "" {
			return refuse(ruleDecode, "%s cannot read this string: %s.", name, text)
		}
		return err
	}
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      f.Params(),
		Type: func(args []cty.Value) (cty.Type, error) {
			ty, err := f.ReturnTypeForValues(args)
			return ty, explain(args, err)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			return v, explain(args, err)
		},
	})
}

func wrongJSON(text string, _ error) string {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	err := d.Decode(&v)
	var syntax *json.SyntaxError
	switch {
	case strings.TrimSpace(text) == "":
		return "it is empty"
	case errors.As(err, &syntax):
		// Offset counts the bytes that were read, the wrong one included.
		return fmt.Sprintf("%s: %s", lineAndColumn(text, int(syntax.Offset)-1), withoutCharacter(syntax.Error()))
	case err != nil: // it ends too early
		return fmt.Sprintf("%s: it ends before it is complete", lineAndColumn(text, len(text)))
	}
	// The decoder of the standard library stops after the first value, and cty does not.
	if rest := strings.TrimLeft(text[d.InputOffset():], " \t\r\n"); rest != "" {
		return fmt.Sprintf("%s: something follows after the value", lineAndColumn(text, len(text)-len(rest)))
	}
	return ""
}

// offender is the character that the JSON decoder complains about.
var offender = regexp.MustCompile(`invalid character '([^']+|\\'')'`)

// withoutCharacter returns a complaint of the JSON decoder, with the character only
// where that is punctuation of JSON.
func withoutCharacter(text string) string {
	m := offender.FindStringSubmatch(text)
	switch {
	case strings.HasPrefix(text, "unexpected end"):
		return "it ends before it is complete"
	case m == nil:
		return "it is not JSON"
	case slices.Contains([]string{"{", "}", "[", "]", ":", ","}, m[1]):
		return text
	}
	return strings.Replace(text, m[0], "invalid character", 1)
}

// lineAndColumn returns where a byte of a text is, as a part of a sentence.
func lineAndColumn(text string, offset int) string {
	at := positionOf([]byte(text), offset)
	return fmt.Sprintf("line %d, column %d", at.Line, at.Column)
}

var inQuotationMarks = regexp.MustCompile(`"[^"]*"|'[^']*'|\x60[^\x60]*\x60`)

// withoutQuotes returns a complaint of a decoder without the parts that may come from
// the text; what is punctuation alone does not.
func withoutQuotes(complaint string) string {
	return inQuotationMarks.ReplaceAllStringFunc(complaint, func(part string) string {
		if strings.ContainsFunc(part, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			return "..."
		}
		return part
	})
}

func wrongYAML(text string, err error) string {
	if strings.TrimSpace(text) == "" {
		return "it is empty"
	}
	var at ctyyaml.Error
	cause := err
	if errors.As(err, &at) && at.Cause() != nil {
		cause = at.Cause()
	} else {
		at.Line, at.Column = 1, 0 // of an error in the first line the library does not say the place
	}
	reason := withoutQuotes(cause.Error())
	if strings.HasPrefix(reason, "did not find expected") && at.Column > 0 {
		at.Line++ // the library counts the lines of these from 0
	}
	if at.Column > 1 {
		return fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, reason)
	}
	return fmt.Sprintf("line %d: %s", at.Line, reason)
}

func wrongCSV(text string, err error) string {
	r := csv.NewReader(strings.NewReader(text))
	_, failed := r.ReadAll()
	var parse *csv.ParseError
	switch {
	case strings.TrimSpace(text) == "":
		return "it is empty, and its first line should name the columns"
	case errors.As(failed, &parse) && errors.Is(parse.Err, csv.ErrFieldCount): // without a column
		return fmt.Sprintf("line %d has more or fewer fields than the first, which names the columns", parse.Line)
	case errors.As(failed, &parse):
		return fmt.Sprintf("line %d, column %d: %s", parse.Line, parse.Column, parse.Err)
	}
	return withoutQuotes(err.Error())
}
