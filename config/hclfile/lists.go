package hclfile

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// mapped returns what of makes of each element of a list; nil where there is none.
func mapped[T, U any](list []T, of func(T) U) (made []U) {
	for _, element := range list {
		made = append(made, of(element))
	}
	return made
}

// retyped returns words as another type of words.
func retyped[U, T ~string](list []T) []U { return mapped(list, func(word T) U { return U(word) }) }

// texts returns a kind for a list of texts of a kind, none twice.
func texts(element kind) kind {
	return kind{name: "list of " + element.name, bounds: element.bounds, values: element.values, read: func(r *reading) (value, bool) {
		list, ok := readEach(r, func(inner *reading) (string, bool) {
			v, ok := element.read(inner)
			return v.text, ok
		}, func(inner *reading, text string) string { return diagnose.Capital(inner.show(text)) })
		return value{list: list}, ok
	}}
}

// inOrder returns a kind for a list in which a text may stand several times, such as arguments.
func inOrder(element kind) kind {
	return kind{name: "list of " + element.name, bounds: element.bounds, values: element.values, read: func(r *reading) (value, bool) {
		var list []string
		elements, ok := r.elements()
		for i, e := range elements {
			v, good := element.read(r.element(i, e))
			list, ok = append(list, v.text), ok && good
		}
		return value{list: list}, ok
	}}
}

// readEach reads the elements of a list, and refuses one that stands there twice; show
// begins a message with it.
func readEach[T comparable](
	r *reading, read func(*reading) (T, bool), show func(*reading, T) string,
) (list []T, ok bool) {
	elements, ok := r.elements()
	for i, e := range elements {
		inner := r.element(i, e)
		found, good := read(inner)
		switch {
		case !good:
			ok = false
		case slices.Contains(list, found):
			ok = false
			inner.wrong(ruleRepeated, "%s is written twice in %s.", show(inner, found), r.attr.name)
		default:
			list = append(list, found)
		}
	}
	return list, ok
}

// oneOrMore returns a kind for a list of texts, where one text alone does as well.
func oneOrMore(element kind) kind {
	list := texts(element)
	several := list.read // the function below takes its place
	list.read = func(r *reading) (value, bool) {
		if r.v.Type() != cty.String {
			return several(r)
		}
		v, ok := element.read(r)
		return value{list: []string{v.text}}, ok
	}
	return list
}

// atLeastOne returns a kind for a list that is not empty: an empty one would say that
// nothing is meant, where leaving it out says everything, or is an error.
func atLeastOne(list kind) kind {
	read := list.read
	list.read = func(r *reading) (value, bool) {
		v, ok := read(r)
		if ok && len(v.list)+len(v.refs) == 0 {
			return r.wrong(ruleEmpty, "%s is empty, so this block would never have an effect.", r.attr.name)
		}
		return v, ok
	}
	return list
}

// elements returns the elements of a list. One text alone is an error that shows the
// list.
func (r *reading) elements() ([]cty.Value, bool) {
	ty := r.v.Type()
	if ty == cty.String && r.shown() && !r.v.IsNull() {
		if known, ok := r.l.calledSo(r.v.AsString(), r.attr.kind.roots); ok && r.attr.kind.roots != nil {
			r.wrong(ruleReference, "%s must be a list of references, %s. Write\n    %s = [%s]", r.attr.name, r.notation(), r.attr.name, r.written(known.String()))
			return nil, false
		}
	}
	if ty == cty.String {
		r.wrong(ruleType, "%s must be a list. Write it in brackets:\n    %s = [%s]", r.attr.name, r.attr.name, r.source())
		return nil, false
	}
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		r.wrong(ruleType, "%s must be a list, not %s.", r.attr.name, describe(r.v))
		return nil, false
	}
	return r.v.AsValueSlice(), true
}
