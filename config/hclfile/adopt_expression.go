package hclfile

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// adoptEvaluation takes over why an expression has no value. References and
// functions are explained in the language's own words; where a secret is
// involved, hcl's words are not repeated, since some of them hold values.
func (l *loader) adoptEvaluation(diags hcl.Diagnostics, expr hcl.Expression, ctx *hcl.EvalContext, secretive bool) {
	l.failed = true
	explained := l.explainReferences(expr, secretive)
	secretive = secretive || l.mentionsSecret(expr, ctx)
	for _, d := range diags {
		switch {
		case d.Severity != hcl.DiagError:
		case l.adoptCall(d, secretive), l.adoptShadowed(d):
		case explained && aboutNames(d):
		case secretive:
			l.report(ruleExpression, subject(d), "Something is wrong with this expression. What exactly is not shown, since a secret is part of it.")
		default:
			l.adopt(ruleExpression, d)
		}
	}
}

// aboutNames tells the complaints of hcl that an explanation of references
// replaces.
func aboutNames(d *hcl.Diagnostic) bool {
	switch d.Summary {
	case "Unknown variable", "Unsupported attribute", "Missing map element", "Invalid index", "Variables not allowed":
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
		v, diags := t[:1].TraverseAbs(d.EvalContext)
		if diags.HasErrors() || !slices.Contains(referenceRoots, t.RootName()) {
			continue
		}
		if ty := v.Type(); ty.IsObjectType() && ty.HasAttribute("key") && ty.HasAttribute("value") && !ty.HasAttribute(self) {
			l.report(ruleShadowed, subject(d), "Inside dynamic %q, %s means the current element and has only key and value. To refer to a %s, give the element another name, like: iterator = each", t.RootName(), t.RootName(), t.RootName())
			return true
		}
	}
	return false
}

// adoptCall takes over what went wrong in a function call, where a function of
// ours said it or the function does not exist.
func (l *loader) adoptCall(d *hcl.Diagnostic, secretive bool) bool {
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
		name := extra.CalledFunctionNamespace() + extra.CalledFunctionName()
		hint := onlyNear(name, l.functionNames())
		if secretive && hint == "" {
			name = "of this name"
		}
		l.report(ruleUnknownFunction, subject(d), "There is no function %s.%s", name, hint)
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
	l.report(own.rule, subject(d), "%s", own.text)
	return true
}

// mentionsSecret reports whether a secret may be part of what hcl says about
// an expression.
func (l *loader) mentionsSecret(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	if strings.Contains(string(l.snapshot.bytes(expr.Range())), "credential") {
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

func (l *loader) functionNames() []string {
	return slices.Sorted(maps.Keys(l.functionsIn("")))
}
