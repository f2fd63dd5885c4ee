package hclfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

type secretText = opaque.Secret

// A kind is a type of value with its bounds: how it is described, and how it
// is read.
type kind struct {
	name   string   // in the schema: string, duration, list of references, ...
	bounds string   // in the manual: "1".."65535"
	values []string // where only these are possible
	read   func(*reading) (value, bool)
}

// text is any string that is not empty.
var text = kind{name: "string", read: readText}

// optionalText is a string that may be empty on purpose.
var optionalText = kind{name: "string", read: (*reading).str}

func (r *reading) str() (value, bool) {
	if r.unread {
		return value{text: unreadSecret, secret: opaque.NewSecret(unreadSecret)}, true
	}
	if r.v.IsNull() || r.v.Type() != cty.String {
		return r.wrong(ruleType, "%s is a text in quotes, and this is %s.", r.attr.name, describe(r.v))
	}
	return value{text: r.v.AsString()}, true
}

// unreadSecret stands for a secret that was not read.
const unreadSecret = "(not read)"

func readText(r *reading) (value, bool) {
	v, ok := r.str()
	if ok && strings.TrimSpace(v.text) == "" {
		return r.wrong(ruleEmpty, "%s is empty. Leave it out, or write what it should be.", r.attr.name)
	}
	return v, ok
}

// textWith is a text that check approves of; check returns what is wrong, as
// sentences, or "".
func textWith(name string, rule *rule, check func(string) string) kind {
	return kind{name: name, read: func(r *reading) (value, bool) {
		v, ok := readText(r)
		if !ok || r.unread {
			return v, ok
		}
		if complaint := check(v.text); complaint != "" {
			return r.wrong(rule, "%s: %s", r.show(v.text), complaint)
		}
		return v, true
	}}
}

// secret is a text that is never shown.
var secret = kind{name: "secret", read: func(r *reading) (value, bool) {
	v, ok := readText(r)
	if !ok {
		return v, false
	}
	r.l.keepSecret(v.text)
	if !r.sensitive && r.isLiteral() {
		r.l.report(ruleLiteral, r.expr.Range(), "Everybody who may read this file, or a backup of it, knows this %s. Put it into a file of its own and write\n    %s = credential(\"name\")", r.attr.name, r.attr.name)
	}
	return value{secret: opaque.NewSecret(v.text)}, true
}}

// hidden is a text that may hold a secret, and need not.
var hidden = kind{name: "string", read: func(r *reading) (value, bool) {
	v, ok := readText(r)
	if ok && r.sensitive {
		r.l.keepSecret(v.text)
	}
	return value{secret: opaque.NewSecret(v.text)}, ok
}}

// isLiteral reports whether the value stands in the files as it is.
func (r *reading) isLiteral() bool {
	_, diags := r.expr.Value(&hcl.EvalContext{Variables: r.l.early.Variables})
	return !diags.HasErrors()
}

// boolean is true or false.
var boolean = kind{name: "bool", read: func(r *reading) (value, bool) {
	v, err := convert.Convert(r.v, cty.Bool)
	if err != nil {
		return r.wrong(ruleType, "%s is true or false, and this is %s.", r.attr.name, describe(r.v))
	}
	return value{flag: v.True()}, true
}}

// integer is a whole number from low to high.
func integer(low, high int) kind {
	return kind{name: "integer", bounds: fmt.Sprintf("%d..%d", low, high), read: func(r *reading) (value, bool) {
		v, ok := r.readNumber()
		if !ok {
			return v, false
		}
		if v.number != float64(int(v.number)) || v.number < float64(low) || v.number > float64(high) {
			return r.wrong(ruleBounds, "%s is a whole number from %d to %d, and this is %s.", r.attr.name, low, high, formatNumber(v.number))
		}
		return v, true
	}}
}

// percentage is a number above 0 and up to 100.
var percentage = kind{name: "number", bounds: "0..100", read: func(r *reading) (value, bool) {
	v, ok := r.readNumber()
	if ok && (v.number <= 0 || v.number > 100) {
		return r.wrong(ruleBounds, "%s is a percentage above 0 and up to 100, like 99.9, and this is %s.", r.attr.name, formatNumber(v.number))
	}
	return v, ok
}}

func (r *reading) readNumber() (value, bool) {
	v, err := convert.Convert(r.v, cty.Number)
	if err != nil {
		return r.wrong(ruleType, "%s is a number, and this is %s.", r.attr.name, describe(r.v))
	}
	n, _ := v.AsBigFloat().Float64()
	return value{number: n}, true
}

func formatNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// span is a duration from low to high.
func span(low, high time.Duration) kind {
	return kind{name: "duration", bounds: spanBounds(low, high, false), read: func(r *reading) (value, bool) {
		return r.readSpan(low, high, false)
	}}
}

// spanOrZero is a duration from low to high, or "0s", which switches off.
func spanOrZero(low, high time.Duration) kind {
	return kind{name: "duration", bounds: spanBounds(low, high, true), read: func(r *reading) (value, bool) {
		return r.readSpan(low, high, true)
	}}
}

func (r *reading) readSpan(low, high time.Duration, zero bool) (value, bool) {
	if r.v.Type() == cty.Number {
		n, _ := r.v.AsBigFloat().Float64()
		return r.wrong(ruleDuration, "%s needs a unit. For seconds write\n    %s = \"%ss\"", r.attr.name, r.attr.name, formatNumber(n))
	}
	v, ok := r.str()
	if !ok {
		return v, false
	}
	d, err := config.ParseDuration(v.text)
	if err != nil {
		return r.wrong(ruleDuration, "%s: %s.", r.show(v.text), err)
	}
	if (d < low || d > high) && (!zero || d != 0) {
		return r.wrong(ruleBounds, "%s is %s, and this is %q.", r.attr.name, spanBounds(low, high, zero), v.text)
	}
	return value{number: float64(d)}, true
}

// spanBounds are the bounds of a duration in a sentence.
func spanBounds(low, high time.Duration, zero bool) string {
	text := fmt.Sprintf("from %q to %q", config.FormatDuration(low), config.FormatDuration(high))
	switch {
	case high >= unbounded && low == 0:
		text = "at most ten years"
	case high >= unbounded:
		text = fmt.Sprintf("%q or more", config.FormatDuration(low))
	}
	if zero && low > 0 {
		text += `, or "0s"`
	}
	return text
}

// span gives a value that [span] has read.
func (v value) span() time.Duration { return time.Duration(v.number) }

// oneOf is one of a few words.
func oneOf(words ...string) kind {
	return kind{name: "string", values: words, read: func(r *reading) (value, bool) {
		v, ok := r.str()
		if ok && !slices.Contains(words, v.text) {
			return r.wrong(ruleChoice, "%s is %s, and not %s.%s", r.attr.name, enumerate(quoteAll(words), "or"), r.show(v.text), onlyNear(v.text, words))
		}
		return v, ok
	}}
}

func onlyNear(given string, words []string) string {
	if near, ok := nearest(given, words); ok {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}

func quoteAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = quoted(w)
	}
	return out
}

// texts is a list of texts of a kind, none twice.
func texts(element kind) kind {
	return kind{name: "list of " + element.name, bounds: element.bounds, values: element.values, read: func(r *reading) (value, bool) {
		elements, ok := r.elements()
		if !ok {
			return value{}, false
		}
		var list value
		for i, e := range elements {
			inner := reading{l: r.l, attr: r.attr, expr: at{r.expr, r.element(i)}, v: e, sensitive: r.sensitive, unread: r.unread}
			v, good := element.read(&inner)
			switch {
			case !good:
				ok = false
			case slices.Contains(list.list, v.text):
				ok = false
				r.l.report(ruleRepeated, r.element(i), "%s stands twice in %s.", r.show(v.text), r.attr.name)
			default:
				list.list = append(list.list, v.text)
			}
		}
		return list, ok
	}}
}

// atLeastOne is a list that is not empty: an empty one would say that nothing is
// meant, where leaving it out says everything, or is an error.
func atLeastOne(list kind) kind {
	read := list.read
	list.read = func(r *reading) (value, bool) {
		v, ok := read(r)
		if ok && len(v.list)+len(v.refs) == 0 {
			return r.wrong(ruleEmpty, "%s is empty, so that this block would never have an effect.", r.attr.name)
		}
		return v, ok
	}
	return list
}

// elements gives the elements of a list. One text alone is an error that shows
// the list.
func (r *reading) elements() ([]cty.Value, bool) {
	ty := r.v.Type()
	if ty == cty.String {
		r.wrong(ruleType, "%s is a list. Write it in brackets:\n    %s = [%s]", r.attr.name, r.attr.name, r.show(r.v.AsString()))
		return nil, false
	}
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		r.wrong(ruleType, "%s is a list, and this is %s.", r.attr.name, describe(r.v))
		return nil, false
	}
	return r.v.AsValueSlice(), true
}

// at is an expression that is reported at a narrower place.
type at struct {
	hcl.Expression
	place hcl.Range
}

func (a at) Range() hcl.Range { return a.place }

// describe says what a value is, never which.
func describe(v cty.Value) string {
	ty := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case isReference(v):
		return "a reference"
	case ty == cty.String:
		return "a text"
	case ty == cty.Number:
		return "a number"
	case ty == cty.Bool:
		return "true or false"
	case ty.IsTupleType(), ty.IsListType(), ty.IsSetType():
		return "a list"
	case ty.IsObjectType(), ty.IsMapType():
		return "an object"
	}
	return "something else"
}
