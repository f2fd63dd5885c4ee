package takeover

import (
	"path"
	"regexp"
	"slices"
	"strconv"
)

// A scope is what names in an expression stand for.
type scope map[string]any

// An expression gives a value: nil, a bool, a float64, a string, a []any or a dict. What is
// not understood is unknown, which is never true.
type expression func(scope) any

// A dict is a dictionary of Icinga 2.
type dict map[string]any

type unknown struct{}

func constant(value any) expression { return func(scope) any { return value } }

func variable(name string) expression {
	return func(s scope) any {
		if value, ok := s[name]; ok {
			return value
		}
		// In a body the attributes of the object itself have no prefix.
		if this, ok := s["this"].(dict); ok {
			if value, ok := this[name]; ok {
				return value
			}
		}
		if slices.Contains(functions, name) {
			return callable(name)
		}
		return unknown{}
	}
}

func member(of, key expression) expression {
	return func(s scope) any {
		switch value := of(s).(type) {
		case dict:
			name, _ := key(s).(string)
			return value[name]
		case []any:
			if name, ok := key(s).(string); ok && slices.Contains(functions, name) {
				return method{value, name}
			}
			if i, ok := key(s).(float64); ok && i >= 0 && int(i) < len(value) {
				return value[int(i)]
			}
			return nil
		case nil:
			return nil
		}
		return unknown{}
	}
}

// functions are the functions that are understood.
var functions = []string{"match", "regex", "len", "contains"}

type callable string

type method struct {
	of   []any
	name string
}

func call(function expression, arguments []expression) expression {
	return func(s scope) any {
		var values []any
		for _, a := range arguments {
			values = append(values, a(s))
		}
		switch f := function(s).(type) {
		case method:
			if f.name == "contains" && len(values) == 1 {
				return isIn(values[0], f.of)
			}
			if f.name == "len" {
				return float64(len(f.of))
			}
		case callable:
			return callFunction(string(f), values)
		}
		return unknown{}
	}
}

func callFunction(name string, values []any) any {
	if name == "len" && len(values) == 1 {
		switch v := values[0].(type) {
		case []any:
			return float64(len(v))
		case dict:
			return float64(len(v))
		case string:
			return float64(len(v))
		}
		return unknown{}
	}
	if len(values) < 2 {
		return unknown{}
	}
	pattern, ok := values[0].(string)
	text, isText := values[1].(string)
	if !ok || !isText {
		return false
	}
	switch name {
	case "match": // * and ?, as in the names of files
		matched, err := path.Match(pattern, text)
		return matched && err == nil
	case "regex":
		if len(pattern) > 1000 {
			return unknown{}
		}
		r, err := regexp.Compile(pattern)
		if err != nil {
			return unknown{}
		}
		return r.MatchString(text)
	}
	return unknown{}
}

func not(of expression) expression {
	return func(s scope) any {
		value := of(s)
		if isUnknown(value) {
			return value
		}
		return !isTrue(value)
	}
}

func negative(of expression) expression {
	return func(s scope) any {
		if n, ok := of(s).(float64); ok {
			return -n
		}
		return unknown{}
	}
}

// isTrue returns what counts as true: not null, false, 0, "" and what is empty.
func isTrue(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case dict:
		return len(v) > 0
	}
	return false
}

func binaryExpression(operator string, left, right expression) expression {
	return func(s scope) any {
		a := left(s)
		switch {
		case operator == "&&" && !isUnknown(a) && !isTrue(a), operator == "||" && isTrue(a):
			return a
		}
		b := right(s)
		switch operator {
		case "&&", "||":
			if isUnknown(a) && (operator == "||" && isTrue(b) || operator == "&&" && !isUnknown(b) && !isTrue(b)) {
				return b
			}
			if isUnknown(a) {
				return a
			}
			return b
		}
		if isUnknown(a) || isUnknown(b) {
			return unknown{}
		}
		return compareValues(operator, a, b)
	}
}

func isUnknown(value any) bool { return value == any(unknown{}) }

func compareValues(operator string, a, b any) any {
	switch operator {
	case "in":
		return isIn(a, b)
	case "!in":
		return !isIn(a, b)
	case "==":
		return isEqual(a, b)
	case "!=":
		return !isEqual(a, b)
	case "+":
		return add(a, b)
	}
	x, ok := a.(float64)
	y, also := b.(float64)
	if !ok || !also {
		return unknown{}
	}
	switch operator {
	case "<":
		return x < y
	case ">":
		return x > y
	case "<=":
		return x <= y
	case ">=":
		return x >= y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	return unknown{}
}

// add adds numbers, and joins texts, lists and dictionaries.
func add(a, b any) any {
	switch x := a.(type) {
	case nil:
		return b
	case []any:
		if y, ok := b.([]any); ok && len(x)+len(y) < maxText {
			return slices.Concat(x, y)
		}
	case dict:
		if y, ok := b.(dict); ok {
			return merge(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return x + y
		}
	}
	x, ok := asText(a)
	y, also := asText(b)
	if !ok || !also || len(x)+len(y) > maxText {
		return unknown{}
	}
	return x + y
}

const maxText = 10_000

func merge(a, b dict) dict {
	both := dict{}
	for key, value := range a {
		both[key] = value
	}
	for key, value := range b {
		both[key] = value
	}
	return both
}

func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func isEqual(a, b any) bool {
	switch a.(type) {
	case nil, bool, float64, string:
		switch b.(type) {
		case nil, bool, float64, string:
			return a == b
		}
	}
	return false
}

func isIn(value, list any) bool {
	all, _ := list.([]any)
	return slices.ContainsFunc(all, func(one any) bool { return isEqual(one, value) })
}

func listOf(all []expression) expression {
	return func(s scope) any {
		list := []any{}
		for _, one := range all {
			list = append(list, one(s))
		}
		return list
	}
}

// dictionary makes a dictionary of the statements in braces.
func dictionary(body []statement) expression {
	return func(s scope) any {
		d := dict{}
		d.apply(body, s, nil)
		return d
	}
}

// apply runs the statements of a body; imports finds a template by its name.
func (d dict) apply(body []statement, s scope, imports func(name string)) {
	for _, line := range body {
		switch {
		case line.word == "import" && imports != nil:
			if name, ok := line.value(s).(string); ok {
				imports(name)
			}
		case line.is != "":
			d.assign(line, s)
		}
	}
}

func (d dict) assign(line statement, s scope) {
	at := d
	for _, step := range line.path[:len(line.path)-1] {
		key, ok := asText(step(s))
		if !ok {
			return
		}
		inner, ok := at[key].(dict)
		if !ok {
			inner = dict{}
		}
		// Cloned, since a template gives the same dictionary to all.
		inner = merge(inner, nil)
		at[key] = inner
		at = inner
	}
	key, ok := asText(line.path[len(line.path)-1](s))
	if !ok {
		return
	}
	value := line.value(s)
	if line.is == "+=" {
		value = add(at[key], value)
	}
	at[key] = value
}
