package hclfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// want says what of an expression's value is part of a secret.
type want struct {
	path   []string // steps to it; none: the value itself
	keys   bool     // with the keys of objects
	text   bool     // only where the value is a text
	direct bool     // the expression is that of the attribute: no text in it is spared
}

// Steps that are no names.
const (
	anyElement = "*"
	theKey     = "\x00key"
)

// after is what is wanted of a value when w is wanted of a part of it.
func (w want) after(steps ...string) want {
	return want{path: slices.Concat(steps, w.path), keys: w.keys, text: w.text}
}

// whole is what is wanted of values of which it is not known what becomes of them.
func (w *withholder) whole(wanted want) want {
	return want{keys: true, text: w.sparing, direct: wanted.direct}
}

// stops reports whether an object or a list is not gone into.
func (w want) stops() bool { return w.text && len(w.path) == 0 }

// of splits a path: what is wanted of the elements that a step leads to.
func (w want) of() (step string, rest want) {
	if len(w.path) == 0 {
		return anyElement, w
	}
	return w.path[0], want{w.path[1:], w.keys, w.text, w.direct}
}

// A binding is the meaning of a name in an expression: an element of a
// collection.
type binding struct {
	name      string
	from      hcl.Expression // the collection
	scope     *binding       // the names in it
	outer     *binding       // further names
	isElement bool           // of a dynamic block: an object of key and value
	isKey     bool
}

func (b *binding) lookUp(name string) *binding {
	for ; b != nil; b = b.outer {
		if b.name == name {
			return b
		}
	}
	return nil
}

// traversal follows a name, and the steps after it.
func (w *withholder) traversal(t hcl.Traversal, wanted want, names *binding) {
	steps := stepsOf(t[1:])
	switch b := names.lookUp(t.RootName()); {
	case b != nil:
		w.element(b, wanted.after(steps...))
	case t.RootName() == "local":
		w.local(wanted.after(steps...))
	}
}

// element follows a name to the collection that it stands for an element of.
func (w *withholder) element(b *binding, wanted want) {
	if b.from == nil || !strings.HasPrefix(b.from.Range().Filename, inText) && w.visited(fmt.Sprint(b.name, b.from.Range()), wanted) {
		return
	}
	defer w.share()()
	if !b.isElement {
		step := anyElement
		if b.isKey {
			step = theKey
		}
		w.expression(b.from, wanted.after(step), b.scope)
		return
	}
	part, rest := wanted.of()
	if part != "value" {
		w.expression(b.from, want{path: []string{theKey}}, b.scope)
	}
	if part != "key" {
		w.expression(b.from, rest.after(anyElement), b.scope)
	}
}

// Beyond these a local is taken whole: it is needed in a circle, or in more ways
// than anybody has reasons for.
const (
	mostPaths  = 10_000
	longestWay = 100
)

// local follows a path that begins with the name of a local.
func (w *withholder) local(wanted want) {
	if wanted.stops() {
		return
	}
	defer w.share()()
	name, rest := wanted.of()
	for other, expr := range w.locals {
		if name == other || name == anyElement {
			w.oneLocal(other, expr, want{path: rest.path, keys: rest.keys, text: rest.text})
		}
	}
}

func (w *withholder) oneLocal(name string, expr hcl.Expression, wanted want) {
	if w.paths[name] >= mostPaths || len(wanted.path) > longestWay {
		if w.sparing {
			return
		}
		wanted = want{keys: true}
	}
	if !w.visited("local "+name, wanted) {
		w.paths[name]++
		w.expression(expr, wanted, nil)
	}
}

// visited reports whether the same was wanted of the same before.
func (w *withholder) visited(what string, wanted want) bool {
	id := fmt.Sprintf("%s %q %t %t", what, wanted.path, wanted.keys, wanted.text)
	before := w.seen[id]
	w.seen[id] = true
	return before
}

// stepsOf are the steps of a traversal.
func stepsOf(t hcl.Traversal) []string {
	var path []string
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseAttr:
			path = append(path, s.Name)
		case hcl.TraverseIndex:
			path = append(path, stepTo(s.Key))
		default:
			path = append(path, anyElement)
		}
	}
	return path
}

// stepOf is the step that a key makes; any element where that cannot be told.
func stepOf(key hcl.Expression) string {
	v, diags := key.Value(nothingKnown)
	if diags.HasErrors() {
		return anyElement
	}
	return stepTo(v)
}

func stepTo(key cty.Value) string {
	text, err := convert.Convert(key, cty.String)
	if err != nil || text.IsNull() || !text.IsKnown() {
		return anyElement
	}
	return text.AsString()
}
