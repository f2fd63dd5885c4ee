package hclfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// failing is an expression that has no value.
type failing struct {
	expr      hcl.Expression
	ctx       *hcl.EvalContext
	attr      *attribute // whose value it should be; nil: of a local, or in a dynamic block
	secretive bool       // nothing of it is repeated
}

// adoptEvaluation takes over why an expression has no value. References and
// functions are explained in the language's own words; where a secret is
// involved, hcl's words are not repeated, since some of them hold values.
func (l *loader) adoptEvaluation(diags hcl.Diagnostics, f failing) {
	if !f.secretive && l.secrets.contains(f.expr.Range()) {
		f.secretive = true
		// The excerpt would show the source, which may be the secret itself.
		l.Hide(f.expr.Range())
	}
	explained := false
	for _, t := range f.expr.Variables() {
		explained = l.explainReference(f, t) || explained
	}
	f.secretive = f.secretive || l.mentionsSecret(f.expr, f.ctx)
	for _, d := range diags {
		switch {
		case d.Severity != hcl.DiagError:
		// First, since what our own functions say holds no value even where a secret is
		// involved.
		case l.adoptCall(d, f.secretive), l.adoptShadowed(d):
		// Said already, in words that know what there is.
		case explained && aboutNames(d):
		case f.secretive:
			l.Report(ruleExpression, diagnose.Subject(d), "%s", strings.TrimSpace("There is a mistake in this expression. It is not shown, because a secret is part of it. "+l.escapeAdvice(f.expr)))
		case l.adoptMissing(d):
		default:
			l.adoptWithoutValues(d)
		}
	}
}

// adoptWithoutValues takes over what hcl says, unless it repeats a value that
// does not stand in the file.
func (l *loader) adoptWithoutValues(d *hcl.Diagnostic) {
	call, isCall := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	switch {
	case d.Expression != nil && standsAs(d.Expression):
		l.adopt(ruleExpression, d)
	case isCall && call.FunctionCallError() != nil:
		l.Report(ruleExpression, diagnose.Subject(d), "%s", l.failedCall(call.CalledFunctionName(), d))
	case diagnose.MeaningOf(d) == diagnose.RepeatsValue:
		l.Report(ruleExpression, diagnose.Subject(d), "%s", diagnose.Detail(d))
	default:
		l.adopt(ruleExpression, d)
	}
}

// standsAs reports whether everything that hcl complains about is literal: an
// expression, or all that a function is given.
func standsAs(expr hcl.Expression) bool {
	call, ok := expr.(*hclsyntax.FunctionCallExpr)
	if !ok {
		return literal(expr)
	}
	return !slices.ContainsFunc(call.Args, func(arg hclsyntax.Expression) bool { return !literal(arg) })
}

// failedCall returns what a function was given, by type, and what it takes.
func (l *loader) failedCall(name string, d *hcl.Diagnostic) string {
	args := []hclsyntax.Expression{}
	switch expr := d.Expression.(type) {
	case *hclsyntax.FunctionCallExpr:
		args = expr.Args
	case hclsyntax.Expression:
		args = append(args, expr)
	}
	var given []string
	for _, arg := range args {
		v, _ := arg.Value(d.EvalContext)
		v, _ = v.Unmark() // only its type is told
		given = append(given, describe(v))
	}
	text := fmt.Sprintf("%s cannot work with what it is given here: %s.", name, diagnose.Enumerate(given, "and"))
	if f, ok := plainFunctions[name]; ok {
		text += fmt.Sprintf(" It is written\n    %s(%s)", name, signature(f))
	}
	return text
}

// aboutNames reports whether an explanation of references replaces what hcl complains
// about.
func aboutNames(d *hcl.Diagnostic) bool {
	switch diagnose.MeaningOf(d) {
	case diagnose.UnknownVariable, diagnose.NoVariables, diagnose.MissingElement:
		return true
	}
	return false
}

// adoptShadowed explains that inside dynamic "group" the word group means the
// element, unless another name is given to it.
func (l *loader) adoptShadowed(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil || !aboutNames(d) {
		return false
	}
	for _, t := range d.Expression.Variables() {
		if _, diags := t[:min(2, len(t))].TraverseAbs(d.EvalContext); !diags.HasErrors() {
			continue // it is meant as the element
		}
		if isElement(t, d.EvalContext) {
			l.Report(ruleShadowed, diagnose.Subject(d), "Inside dynamic %q, %s means the current element and has only key and value. To refer to %s, give the element another name, like: iterator = each", t.RootName(), t.RootName(), diagnose.An(t.RootName()))
			return true
		}
	}
	return false
}

// isElement reports whether a name that means a kind of block elsewhere means the
// element of a dynamic block here.
func isElement(t hcl.Traversal, ctx *hcl.EvalContext) bool {
	if ctx == nil || !slices.Contains(referenceRoots, t.RootName()) {
		return false
	}
	v, diags := t[:1].TraverseAbs(ctx)
	if diags.HasErrors() || v == cty.NilVal {
		return false
	}
	ty := v.Type()
	return ty.IsObjectType() && ty.HasAttribute("key") && ty.HasAttribute("value") && !ty.HasAttribute(self)
}

// adoptMissing explains that an object has no attribute of a name: its other
// attributes are known.
func (l *loader) adoptMissing(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil || diagnose.MeaningOf(d) != diagnose.MissingElement {
		return false
	}
	for _, t := range d.Expression.Variables() {
		root, _ := t[:1].TraverseAbs(d.EvalContext)
		if object, step := firstMissing(root, t[1:]); step != nil {
			return l.reportMissing(object, step, func(given string, known []string) string {
				return diagnose.DidYouMean(given, known, diagnose.Quoted, "It has")
			})
		}
	}
	if rel, ok := d.Expression.(*hclsyntax.RelativeTraversalExpr); ok { // of what a function gives, mostly
		root, _ := rel.Source.Value(d.EvalContext)
		if object, step := firstMissing(root, rel.Traversal); step != nil {
			// OnlyNear, since what is written on the spot may be a secret.
			return l.reportMissing(object, step, diagnose.OnlyNear)
		}
	}
	return false
}

// firstMissing returns the first of some steps that an object, or what is in it, does not
// have, and that object.
func firstMissing(object cty.Value, steps hcl.Traversal) (cty.Value, hcl.Traverser) {
	for _, step := range steps {
		if object == cty.NilVal {
			break
		}
		next, diags := hcl.Traversal{step}.TraverseRel(object)
		if diags.HasErrors() {
			return object, step
		}
		object = next
	}
	return object, nil
}

// reportMissing reports that object has nothing of the name that a step asks for;
// suggest says what it has.
func (l *loader) reportMissing(object cty.Value, step hcl.Traverser, suggest func(given string, known []string) string) bool {
	names, ok := steps(hcl.Traversal{step})
	known, isObject := keysOf(object)
	if !ok || len(names) != 1 || !isObject {
		return false
	}
	given := names[0]
	if len(given) < 3 { // everything is near to that
		given = ""
	}
	l.Report(ruleExpression, step.SourceRange(), "There is no %q in this object.%s", names[0], suggest(given, known))
	return true
}

// keysOf returns the names of what is in an object; false where it is no object, or one
// value in it is secret.
func keysOf(v cty.Value) (keys []string, ok bool) {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() {
		return nil, false
	}
	if ty := v.Type(); !ty.IsObjectType() && !ty.IsMapType() {
		return nil, false
	}
	keys = slices.Collect(maps.Keys(v.AsValueMap()))
	const longest = 40 // what is longer, or no word, may be anything
	return slices.DeleteFunc(keys, func(key string) bool { return len(key) > longest || !namePattern.MatchString(key) }), true
}

// adoptCall takes over what went wrong in a function call, where a function of
// ours said it or the function does not exist.
func (l *loader) adoptCall(d *hcl.Diagnostic, secretive bool) bool {
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
		name := extra.CalledFunctionNamespace() + extra.CalledFunctionName()
		hint := diagnose.OnlyNear(name, slices.Sorted(maps.Keys(l.reads.functionsIn(""))))
		if secretive {
			// What looks like a call may be a part of a password without quotes.
			name = "of this name"
		}
		l.Report(ruleUnknownFunction, diagnose.Subject(d), "There is no function %s.%s", name, hint)
		return true
	}
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !ok {
		return false
	}
	var own *callError
	if !errors.As(extra.FunctionCallError(), &own) {
		return false
	}
	if own.rule == ruleWithheld {
		// A configuration that was kept may have hundreds of them, with one remedy.
		l.Gather(own.rule, diagnose.Subject(d), "%s", own.full)
		return true
	}
	text := own.says(d.Expression != nil && standsAs(d.Expression))
	if own.rule == ruleDecode {
		// A line number is of use only with the file that it counts in.
		text = strings.Replace(text, "this string", textRead(d.Expression), 1)
	}
	l.Report(own.rule, diagnose.Subject(d), "%s", text)
	return true
}

// textRead returns the path of the file whose text a decoding function is given, or
// "this string".
func textRead(expr hcl.Expression) string {
	if call, ok := expr.(*hclsyntax.FunctionCallExpr); ok && len(call.Args) == 1 {
		inner, isCall := call.Args[0].(*hclsyntax.FunctionCallExpr)
		if isCall && inner.Name == "file" && len(inner.Args) == 1 && literal(inner.Args[0]) {
			if v, diags := inner.Args[0].Value(diagnose.NothingKnown); !diags.HasErrors() && isText(v) {
				return v.AsString()
			}
		}
	}
	return "this string"
}

// mentionsSecret reports whether a secret may be part of what hcl says about
// an expression.
func (l *loader) mentionsSecret(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	// By its text, since a call that failed has no value that could be marked.
	if strings.Contains(string(bytesAt(l.snapshot, expr.Range())), "credential") {
		return true
	}
	for _, t := range expr.Variables() {
		v, diags := t.TraverseAbs(ctx)
		if !diags.HasErrors() && v != cty.NilVal && v.ContainsMarked() {
			return true
		}
	}
	return false
}

// escapeAdvice returns how ${ is written as a part of a text, or "" where the expression
// has none.
func (l *loader) escapeAdvice(expr hcl.Expression) string {
	if text := bytesAt(l.snapshot, expr.Range()); bytes.Contains(text, []byte("${")) || bytes.Contains(text, []byte("%{")) {
		return asItIs
	}
	return ""
}
