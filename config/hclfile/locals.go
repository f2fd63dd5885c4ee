package hclfile

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// A local is one attribute of a locals block.
type local struct {
	name  string
	attr  *hcl.Attribute
	value cty.Value
	state localState
}

type localState int

const (
	waiting localState = iota
	underWay
	done
)

// collectLocals adds the attributes of one locals block.
func (l *loader) collectLocals(b *hcl.Block) {
	l.localBlocks[b.DefRange] = true
	attrs, diags := b.Body.JustAttributes()
	l.adoptContent(diags, localsBlock, "locals block")
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		attr := attrs[name]
		if first, ok := l.locals[name]; ok {
			l.Report(ruleDuplicateValue, attr.NameRange, "local.%s is already defined at %s.", name, diagnose.FirstAt(first.attr.NameRange))
			continue
		}
		l.locals[name] = &local{name: name, attr: attr}
	}
}

// checkLocals refuses locals that a dynamic block has made: they would come too
// late for those that want to use them.
func (l *loader) checkLocals(b *hcl.Block) {
	if !l.localBlocks[b.DefRange] {
		l.Report(ruleDynamic, header(b), "A dynamic block cannot make locals, because locals are evaluated first. A local can be a list or an object: names = [for x in ... : ...]")
	}
}

// evaluateLocals gives each local its value, those that it needs first.
func (l *loader) evaluateLocals() {
	values := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(l.locals)) {
		l.evaluateLocal(l.locals[name], nil)
		values[name] = l.locals[name].value
	}
	l.early.Variables = map[string]cty.Value{"local": cty.ObjectVal(values)}
}

// evaluateLocal evaluates a local after those that it needs; path is how it
// came to be needed. What fails is unknown from then on, so that one mistake
// is reported once.
func (l *loader) evaluateLocal(x *local, path []string) {
	switch x.state {
	case done:
		return
	case underWay:
		circle := append(slices.Clone(path[slices.Index(path, x.name):]), x.name)
		l.Report(ruleLocalCycle, x.attr.NameRange, "This local depends on itself: local.%s.", strings.Join(circle, " depends on local."))
		return
	}
	x.state = underWay
	x.value = cty.DynamicVal // unknown, also for those in a circle with it
	needed := map[string]cty.Value{}
	for _, name := range l.localsNeededBy(x) {
		l.evaluateLocal(l.locals[name], append(path, x.name))
		needed[name] = l.locals[name].value
	}
	x.state = done
	if l.earlyReference(x.attr.Expr) {
		return
	}
	ctx := l.contextAt(x.attr.Expr.Range().Filename, l.early).NewChild()
	ctx.Variables = map[string]cty.Value{"local": cty.ObjectVal(needed)}
	v, diags := x.attr.Expr.Value(ctx)
	if diags.HasErrors() {
		l.adoptEvaluation(diags, failing{expr: x.attr.Expr, ctx: ctx})
		return
	}
	x.value = v
}

// localsNeededBy returns the locals in an expression; "local" alone, or with a computed
// index, needs all of them.
func (l *loader) localsNeededBy(x *local) []string {
	needed := map[string]bool{}
	for _, t := range x.attr.Expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		names, ok := steps(t[:min(2, len(t))]) // what follows is in the local's value
		if !ok || len(names) == 0 {
			return slices.Sorted(maps.Keys(l.locals))
		}
		if l.locals[names[0]] != nil {
			needed[names[0]] = true
		}
	}
	return slices.Sorted(maps.Keys(needed))
}

// earlyReference reports references in an expression that is evaluated before there are
// any, and returns whether it found one.
func (l *loader) earlyReference(expr hcl.Expression) bool {
	found := false
	for _, t := range expr.Variables() {
		if slices.Contains(referenceRoots, t.RootName()) {
			found = true
			l.Report(ruleEarlyReference, t.SourceRange(), "Locals can use other locals and functions, not references: they are evaluated before blocks have names.")
		}
	}
	return found
}
