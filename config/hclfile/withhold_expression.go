package hclfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// expression finds what is part of a secret in an expression.
func (w *withholder) expression(expr hcl.Expression, wanted want, names *binding) {
	if expr != nil {
		w.suspect(expr, names)
	}
	switch e := expr.(type) {
	case nil:
	case hclsyntax.Expression:
		w.native(e, wanted, names)
	default:
		w.jsonExpression(e, wanted, names)
	}
}

// suspect notes the names in an expression that have no meaning: one of them may
// be a part of a secret that has ${ in it, or no quotes.
func (w *withholder) suspect(expr hcl.Expression, names *binding) {
	for _, t := range expr.Variables() {
		root := t.RootName()
		if w.sparing || root == "local" || names.lookUp(root) != nil || slices.Contains(referenceRoots, root) {
			continue
		}
		at := t.SourceRange()
		w.suspects[at.Filename] = append(w.suspects[at.Filename], byteSpan{at.Start.Byte, at.End.Byte})
	}
}

func (w *withholder) native(expr hclsyntax.Expression, wanted want, names *binding) {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		w.hide(e.SrcRange, e.Val, withheldCall)
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			w.part(part, wanted, names)
		}
	case *hclsyntax.TemplateWrapExpr:
		w.native(e.Wrapped, wanted, names)
	case *hclsyntax.TemplateJoinExpr:
		w.native(e.Tuple, wanted.after(anyElement), names)
	case *hclsyntax.ParenthesesExpr:
		w.native(e.Expression, wanted, names)
	case *hclsyntax.ScopeTraversalExpr:
		w.traversal(e.Traversal, wanted, names)
	case *hclsyntax.RelativeTraversalExpr:
		w.native(e.Source, wanted.after(stepsOf(e.Traversal)...), names)
	case *hclsyntax.IndexExpr:
		w.native(e.Collection, wanted.after(stepOf(e.Key)), names)
	case *hclsyntax.ObjectConsExpr:
		w.object(e, wanted, names)
	case *hclsyntax.ObjectConsKeyExpr:
		if hcl.ExprAsKeyword(e.Wrapped) == "" || e.ForceNonLiteral {
			w.native(e.Wrapped, wanted, names)
		}
	case *hclsyntax.TupleConsExpr:
		w.tuple(e, wanted, names)
	case *hclsyntax.ConditionalExpr:
		if wanted.direct {
			w.native(e.Condition, wanted, names)
		}
		w.native(e.TrueResult, wanted, names)
		w.native(e.FalseResult, wanted, names)
	case *hclsyntax.ForExpr:
		w.loop(e, wanted, names)
	case *hclsyntax.FunctionCallExpr:
		w.call(e, wanted, names)
	case *hclsyntax.BinaryOpExpr:
		w.native(e.LHS, w.whole(wanted), names)
		w.native(e.RHS, w.whole(wanted), names)
	case *hclsyntax.UnaryOpExpr:
		w.native(e.Val, w.whole(wanted), names)
	case *hclsyntax.SplatExpr:
		w.native(e.Source, w.whole(wanted), names)
	case *hclsyntax.AnonSymbolExpr: // the element in a splat
	default:
		w.replace(expr.Range(), withheldCall)
	}
}

// part is a piece of a template: its text, or what is put into it.
func (w *withholder) part(part hclsyntax.Expression, wanted want, names *binding) {
	if text, ok := part.(*hclsyntax.LiteralValueExpr); ok {
		w.hide(text.SrcRange, text.Val, "${"+withheldCall+"}")
		return
	}
	w.native(part, w.whole(wanted), names)
}

func (w *withholder) object(e *hclsyntax.ObjectConsExpr, wanted want, names *binding) {
	step, rest := wanted.of()
	if wanted.stops() {
		return
	}
	for _, item := range e.Items {
		if step == theKey || wanted.keys && len(wanted.path) == 0 {
			w.native(item.KeyExpr, want{direct: wanted.direct}, names)
		}
		if key := stepOf(item.KeyExpr); step != theKey && (step == anyElement || key == anyElement || key == step) {
			w.native(item.ValueExpr, rest, names)
		}
	}
}

func (w *withholder) tuple(e *hclsyntax.TupleConsExpr, wanted want, names *binding) {
	step, rest := wanted.of()
	if wanted.stops() {
		return
	}
	for i, element := range e.Exprs {
		if step != theKey && (step == anyElement || step == fmt.Sprint(i)) {
			w.native(element, rest, names)
		}
	}
}

// loop follows a for expression: an element of what it makes comes of an element
// of its collection.
func (w *withholder) loop(e *hclsyntax.ForExpr, wanted want, names *binding) {
	inner := &binding{name: e.ValVar, from: e.CollExpr, scope: names, outer: names}
	if e.KeyVar != "" {
		inner = &binding{name: e.KeyVar, from: e.CollExpr, scope: names, outer: inner, isKey: true}
	}
	step, rest := wanted.of()
	if wanted.stops() {
		return
	}
	if e.KeyExpr != nil && (step == theKey || wanted.keys && len(wanted.path) == 0) {
		w.native(e.KeyExpr, w.whole(want{}), inner)
	}
	if e.CondExpr != nil && wanted.direct {
		w.native(e.CondExpr, wanted, inner)
	}
	if e.Group && len(rest.path) > 0 {
		_, rest = rest.of() // each element is a list of what was grouped
	}
	if step != theKey {
		w.native(e.ValExpr, rest, inner)
	}
}

// call follows a function. What credential and env are given is a name.
func (w *withholder) call(e *hclsyntax.FunctionCallExpr, wanted want, names *binding) {
	switch {
	case e.Name == "credential", e.Name == "env":
	case e.Name == "file" && w.sparing:
	case e.Name == "file" && len(e.Args) == 1:
		w.file(e.Range().Filename, e.Args[0])
	default:
		for _, arg := range e.Args {
			w.native(arg, w.whole(wanted), names)
		}
	}
}

// file notes that a named file is part of a secret.
func (w *withholder) file(in string, path hcl.Expression) {
	v, diags := path.Value(nothingKnown)
	if diags.HasErrors() || !isText(v) {
		w.anyNamed = true // it cannot be told which
		return
	}
	w.named[from(filepath.Dir(strings.TrimPrefix(in, inText)), v.AsString())] = true
}

// hide replaces a text or a number, if there is any.
func (w *withholder) hide(at hcl.Range, v cty.Value, call string) {
	if v.Type() != cty.Bool && !v.IsNull() {
		w.replace(at, call)
	}
}

// replace puts a call in the place of an expression. The end of a line stays,
// since a heredoc needs it.
func (w *withholder) replace(at hcl.Range, call string) {
	end := at.End.Byte
	if at.End.Column == 1 {
		end--
	}
	if at.Start.Byte >= end {
		return
	}
	if strings.HasPrefix(at.Filename, inText) {
		w.inText = true
		return
	}
	w.edit(at.Filename, edit{byteSpan{at.Start.Byte, end}, call})
}

// edit adds an edit, or takes it back where its place is spared.
func (w *withholder) edit(file string, e edit) {
	if w.sparing {
		delete(w.edits[file], e.from)
		return
	}
	if w.edits[file] == nil {
		w.edits[file] = map[int]edit{}
	}
	w.edits[file][e.from] = e
	w.shared = w.shared || w.inside > 0
}

// share notes that what follows, until the function that it gives is called, may
// be used in other places too.
func (w *withholder) share() func() {
	w.inside++
	return func() { w.inside-- }
}
