package hclfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A kind is a type of value with its bounds: how it is described, and how it
// is read.
type kind struct {
	name   string   // in the schema: string, duration, list of references, ...
	bounds string   // in the manual: "1".."65535"
	values []string // where only these are possible
	roots  []string // what it refers to, where it does
	read   func(*reading) (value, bool)
}

// text is any string of one line that is not empty.
var text = textJudged("string", ruleControl, func(text string) complaint { return unprintable(text, "") })

// freeText may have several lines.
var freeText = textJudged("string", ruleControl, func(text string) complaint { return unprintable(text, "\r\n\t") })

// unprintable returns a complaint about control characters other than those that are
// allowed: a server, a terminal or a gateway would take them for something else.
func unprintable(text, allowed string) complaint {
	for _, r := range text {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return complaint{
				fmt.Sprintf("The control character %q is not allowed here. Remove it.", r),
				"Control characters, such as a line end, are not allowed here.",
			}
		}
	}
	return complaint{}
}

func (r *reading) str() (value, bool) {
	if r.unread {
		return value{text: unreadSecret, secret: opaque.NewSecret(unreadSecret)}, true
	}
	if r.v.IsNull() || r.v.Type() != cty.String {
		return r.wrong(ruleType, "%s must be a string in quotes, not %s.%s", r.attr.name, describe(r.v), r.inQuotes())
	}
	return value{text: r.v.AsString()}, true
}

// inQuotes returns how a number is written as a text, as the end of a message.
func (r *reading) inQuotes() string {
	source := r.source()
	if r.v.IsNull() || r.v.Type() != cty.Number || !r.shown() || source == "..." {
		return ""
	}
	return fmt.Sprintf(" Write\n    %s", diagnose.Quoted(source))
}

// unreadSecret stands for a secret that was not read.
const unreadSecret = "(not read)"

func readText(r *reading) (value, bool) {
	v, ok := r.str()
	if ok && strings.TrimSpace(v.text) == "" {
		return r.wrong(ruleEmpty, "%s must not be empty. Remove it, or write a value.", r.attr.name)
	}
	return v, ok
}

// textWith returns a kind for a text that check approves of; check returns what is
// wrong, as sentences that do not repeat the text, or "".
func textWith(name string, rule *rule, check func(string) string) kind {
	return textJudged(name, rule, func(text string) complaint { return plainly(check(text)) })
}

// textJudged is textWith for a check whose complaints repeat the text.
func textJudged(name string, rule *rule, check func(string) complaint) kind {
	return kind{name: name, read: func(r *reading) (value, bool) {
		v, ok := readText(r)
		if !ok || r.unread {
			return v, ok
		}
		if c := check(v.text); c != (complaint{}) {
			return r.wrong(rule, "%s: %s", diagnose.Capital(r.show(v.text)), c.says(r.shown()))
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
	r.l.KeepSecret(v.text)
	// Kept in both forms: either may come up in a message.
	v.text = withoutLineEnd(v.text)
	r.l.KeepSecret(v.text)
	if strings.ContainsAny(v.text, "\r\n\x00") {
		return r.wrong(ruleControl, "This %s has a line end or a zero byte inside, which no server accepts. A credential file must hold the secret and nothing else.", r.attr.name)
	}
	ok = r.judgeSecret(r.expr, "this "+r.attr.name, r.attr.name, r.attr.name+` = credential("name")`)
	return value{secret: opaque.NewSecret(v.text)}, ok
}}

// withoutLineEnd returns a text without one line end, as editors and heredocs leave it.
func withoutLineEnd(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
}

// hidden is a text that may hold a secret, and need not.
var hidden = kind{name: "string", read: func(r *reading) (value, bool) {
	v, ok := readText(r)
	if ok && r.sensitive { // not every text message: its words are in others as well
		r.l.KeepSecret(v.text)
	}
	if ok && inBody.MatchString(v.text) {
		ok = r.judgeSecret(r.expr, "the secret in this "+r.attr.name, r.attr.name, r.attr.name+` = "... ${credential("name")} ..."`)
	}
	return value{secret: opaque.NewSecret(v.text)}, ok
}}

// boolean is true or false.
var boolean = kind{name: "bool", read: func(r *reading) (value, bool) {
	v, err := convert.Convert(r.v, cty.Bool)
	if err != nil {
		advice := ""
		if r.shown() && !r.v.IsNull() && r.v.Type() == cty.String {
			if _, ok := boolMeant(r.v.AsString()); ok {
				advice = " " + adviceForBool(r.attr.name, r.v.AsString())
			}
		}
		return r.wrong(ruleType, "%s must be true or false, not %s.%s", r.attr.name, describe(r.v), advice)
	}
	return value{flag: v.True()}, true
}}

// integer returns a kind for a whole number from low to high.
func integer(low, high int) kind {
	return kind{name: "integer", bounds: fmt.Sprintf("%d..%d", low, high), read: func(r *reading) (value, bool) {
		v, ok := r.readNumber()
		if !ok {
			return v, false
		}
		if v.number != float64(int(v.number)) || v.number < float64(low) || v.number > float64(high) {
			return r.wrong(ruleBounds, "%s must be a whole number from %d to %d, not %s.", r.attr.name, low, high, complaint{formatNumber(v.number), "another number"}.says(r.shown()))
		}
		return v, true
	}}
}

// percentage is a number above 1 and up to 100. Who writes 0.999 means a ratio, which would be
// kept by a service that is down all year.
var percentage = kind{name: "number", bounds: "1..100", read: func(r *reading) (value, bool) {
	v, ok := r.readNumber()
	if ok && (v.number <= 1 || v.number > 100) {
		return r.wrong(ruleBounds, "%s must be a percentage above 1 and up to 100, like 99.9, not %s.", r.attr.name, complaint{formatNumber(v.number), "another number"}.says(r.shown()))
	}
	return v, ok
}}

func (r *reading) readNumber() (value, bool) {
	v, err := convert.Convert(r.v, cty.Number)
	if err != nil {
		return r.wrong(ruleType, "%s must be a number, not %s.", r.attr.name, describe(r.v))
	}
	n, _ := v.AsBigFloat().Float64()
	return value{number: n}, true
}

func formatNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// oneOf returns a kind for one of a few words.
func oneOf(words ...string) kind {
	return kind{name: "string", values: words, read: func(r *reading) (value, bool) {
		v, ok := r.str()
		if ok && !slices.Contains(words, v.text) {
			near := ""
			if r.shown() {
				near = diagnose.OnlyNear(v.text, words)
			}
			return r.wrong(ruleChoice, "%s must be %s, not %s.%s", r.attr.name, diagnose.Enumerate(diagnose.QuoteAll(words), "or"), r.show(v.text), near)
		}
		return v, ok
	}}
}

// describe returns what type a value has, never which value it is.
func describe(v cty.Value) string {
	ty := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case isReference(v):
		return "a reference"
	case ty == cty.String:
		return "a string"
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
