package hclfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// value is what a kind makes of an expression. Each kind fills the field that
// its rows take.
type value struct {
	text   string
	number float64
	size   int64 // in bytes
	flag   bool
	list   []string
	texts  map[string]string
	refs   []ref
	secret opaque.Secret
	users  []config.PageUser
	tokens []config.PageToken
	at     hcl.Range
}

// reading is one attribute being read.
type reading struct {
	l         *loader
	attr      *attribute
	expr      hcl.Expression
	v         cty.Value // unmarked
	sensitive bool
	unread    bool // a secret that was not read, because of Options.NoCredentials

	own bool // a file that is named is this machine's alone

	holdsSecret bool // one that is written right here; the kind finds it
}

// decode fills dst from what is written in content. It reports whether all of
// it was right; what is wrong has been reported.
func decode[T any](l *loader, t table[T], content *contents, dst *T) bool {
	_, failed := decodeEach(l, t, content, dst)
	return len(failed) == 0
}

// decodeEach does what decode does, and returns the attributes that were set, and those
// that have no value because something is wrong. One that is null counts as not written.
func decodeEach[T any](l *loader, t table[T], content *contents, dst *T) (set, failed []string) {
	for i := range t {
		r := &t[i]
		v, ok := (*value)(nil), true
		if attr := content.Attributes[r.name]; attr != nil {
			v, ok = l.read(&r.attribute, attr)
		}
		switch {
		case v != nil:
			r.set(dst, *v)
			set = append(set, r.name)
		case !ok:
			failed = append(failed, r.name)
		case r.required:
			failed = append(failed, r.name)
			if !slices.Contains(content.meant, r.name) { // else it is there, misspelt
				l.Report(ruleMissing, content.at, "%s needs %s: %s.", diagnose.Capital(diagnose.An(content.what)), r.name, diagnose.LowerFirst(r.doc))
			}
		}
	}
	return set, failed
}

// switchedOff is the value of what is not wanted, like heartbeat_url = "".
var switchedOff = cty.StringVal("")

// read evaluates an attribute and checks it against its kind. The value is nil
// where the expression gives null, which is as good as not written.
func (l *loader) read(a *attribute, attr *hcl.Attribute) (*value, bool) {
	v, ok := l.evaluate(attr.Expr, a)
	if !ok {
		// One element without a value hides what is wrong with the others.
		l.readRest(a, attr)
		return nil, false
	}
	r := reading{l: l, attr: a, expr: attr.Expr, v: v}
	if v.ContainsMarked() {
		if !a.secret {
			l.Report(ruleSensitiveValue, attr.Expr.Range(), "%s can appear in output, so it must not hold a secret from credential().", a.name)
			return nil, false
		}
		r.v, _ = v.UnmarkDeep()
		r.sensitive = true
		// Before the kind reads it: what that complains about may hold the value.
		for _, text := range textsIn(r.v) {
			l.KeepSecret(text)
		}
	}
	switch {
	case r.v.IsNull():
		return nil, true
	case !r.v.IsWhollyKnown() && (r.sensitive || a.secret && l.snapshot.IsRestored()):
		// A credential that was not read, or a text that was withheld.
		r.unread = true
		l.unread++
	case !r.v.IsWhollyKnown():
		if !l.Failed() { // else what made it unknown has been reported
			l.Report(ruleExpression, attr.Expr.Range(), "The value of this expression is not known when the configuration is read.")
		}
		return nil, false
	}
	result, ok := a.kind.read(&r)
	if !ok {
		return nil, false
	}
	result.at = attr.Expr.Range()
	if r.sensitive || r.unread || r.holdsSecret || a.secret && readsElsewhere(attr.Expr) {
		l.holding[result.at] = true
	}
	return &result, true
}

// readRest reports what else is wrong with a list that has elements without a
// value.
func (l *loader) readRest(a *attribute, attr *hcl.Attribute) {
	list, ok := attr.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return
	}
	rest := *list
	rest.Exprs = slices.DeleteFunc(slices.Clone(list.Exprs), func(e hclsyntax.Expression) bool {
		_, diags := e.Value(l.contextAt(list.SrcRange.Filename, l.names))
		return diags.HasErrors()
	})
	if n := len(rest.Exprs); n > 0 && n < len(list.Exprs) {
		l.read(a, &hcl.Attribute{Name: attr.Name, Expr: &rest, NameRange: attr.NameRange, Range: attr.Range})
	}
}

// evaluate returns the value of an attribute's expression, which may use references. Of
// one that may be a secret nothing is repeated in messages.
func (l *loader) evaluate(expr hcl.Expression, a *attribute) (cty.Value, bool) {
	ctx := l.contextAt(expr.Range().Filename, l.names)
	// So that what file reads for a secret is not saved with the Snapshot.
	l.reads.inSecret = a.secret
	v, diags := expr.Value(ctx)
	l.reads.inSecret = false
	if diags.HasErrors() {
		l.adoptEvaluation(diags, failing{expr: expr, ctx: ctx, attr: a, secretive: a.secret})
		return cty.NilVal, false
	}
	return v, true
}

// wrong reports what is wrong with the value, at its expression.
func (r *reading) wrong(rule *rule, format string, args ...any) (value, bool) {
	r.l.Report(rule, r.expr.Range(), "%s%s", fmt.Sprintf(format, args...), r.notFilledIn())
	return value{}, false
}

// notFilledIn returns advice on a text that another program should have filled in, or
// "".
func (r *reading) notFilledIn() string {
	if r.v == cty.NilVal || r.v.IsNull() || !r.v.IsKnown() || r.v.Type() != cty.String || !r.shown() {
		return ""
	}
	switch text := r.v.AsString(); {
	case strings.Contains(text, "{{") || strings.Contains(text, "{%"):
		return " It looks like a template, such as those of Ansible, that was not filled in."
	case ofShell.MatchString(text):
		return fmt.Sprintf(" An environment variable is read with env(%q).", ofShell.FindStringSubmatch(text)[1])
	}
	return ""
}

// element returns the reading of one element of a list, at its own place where that can
// be told.
func (r *reading) element(i int, v cty.Value) *reading {
	inner := *r
	inner.v = v
	// A list that a function has made, or a for, has other elements than are written.
	if exprs, diags := hcl.ExprList(r.expr); !diags.HasErrors() && i < len(exprs) && len(exprs) == r.v.LengthInt() {
		inner.expr = exprs[i]
	}
	return &inner
}
