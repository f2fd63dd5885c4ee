package hclfile

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// A secret that is written in a file works, and earns a warning. What is only a
// secret is known by its attribute; in a URL, in headers and in a body it is
// known by what it is called there.

// saysSecret tells the names under which a header or a parameter carries one.
var saysSecret = regexp.MustCompile(`(?i)(authorization|cookie|passwd|password|secret|signature|token|key)$`)

// inBody finds a parameter of such a name that has a value of its own: what is
// filled in begins with a brace.
var inBody = regexp.MustCompile(`(?i)(passwd|password|secret|token|key)["']?\s*[:=]\s*["']?[^\s"'{$&,}]{4}`)

// judgeSecret looks where the secret in an expression is written: in a local or the like it
// is refused, and as a literal it earns a warning that shows an example. It reports whether
// the secret is taken.
func (r *reading) judgeSecret(expr hcl.Expression, what, name, example string) bool {
	r.holdsSecret = true
	if r.refuseElsewhere(expr, diagnose.Capital(what), name) {
		return false
	}
	if _, written := r.literalText(expr); written {
		r.l.Report(ruleLiteral, expr.Range(), "Everybody who can read this file, or a backup of it, can read %s. Put it into a file of its own and write\n    %s", what, example)
	}
	return true
}

// refuseElsewhere refuses a secret that is written in a local or in a for_each: what
// has to be kept out of sight is always a range of one file, the attribute itself.
// It reports whether it did.
func (r *reading) refuseElsewhere(expr hcl.Expression, what, name string) bool {
	from := r.textFrom(expr)
	// What was kept was accepted when it was applied.
	if from == "" || r.sensitive || r.unread || r.l.snapshot.IsRestored() {
		return false
	}
	credential := `credential("name")`
	if root, _, _ := strings.Cut(from, "."); root != "local" {
		// Each element of the dynamic block needs a secret of its own.
		credential = `credential("name-${` + root + `.key}")`
	}
	r.l.Report(ruleLiteralElsewhere, expr.Range(), "%s comes from %s, where it cannot be kept out of the output. Put it into a file of its own and write\n    %s = %s", what, from, name, credential)
	return true
}

// textFrom returns the local, or the element of a dynamic block, that an expression
// takes text from; "" where all of its text is its own, or comes of a function that
// reads it somewhere.
func (r *reading) textFrom(expr hcl.Expression) string {
	names := expr.Variables()
	if native := nativeForm(expr); native != nil {
		names = textVariables(native)
	}
	if len(names) == 0 {
		return ""
	}
	path, _ := steps(names[0])
	return strings.Join(append([]string{names[0].RootName()}, path...), ".")
}

// textVariables returns the variables of an expression that its text is made of: not
// those that choose, and not the names that credential and the like are given.
func textVariables(expr hclsyntax.Expression) (found []hcl.Traversal) {
	switch e := expr.(type) {
	case *hclsyntax.ConditionalExpr:
		return append(textVariables(e.TrueResult), textVariables(e.FalseResult)...)
	case *hclsyntax.ParenthesesExpr:
		return textVariables(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return textVariables(e.Wrapped)
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			found = append(found, textVariables(part)...)
		}
		return found
	case *hclsyntax.FunctionCallExpr:
		if slices.Contains([]string{"credential", "env", "file"}, e.Name) { // given a name, not the text
			return nil
		}
		for _, arg := range e.Args {
			found = append(found, textVariables(arg)...)
		}
		return found
	}
	return expr.Variables()
}

// readsElsewhere reports whether an expression reads the environment or a file: in an
// attribute for secrets, what they hold is one.
func readsElsewhere(expr hcl.Expression) bool { return calls(expr, "env", "file") }

// calls reports whether an expression calls one of some functions.
func calls(expr hcl.Expression, functions ...string) (found bool) {
	native := nativeForm(expr)
	if native == nil {
		return false
	}
	_ = hclsyntax.VisitAll(native, func(node hclsyntax.Node) hcl.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && slices.Contains(functions, call.Name) {
			found = true
		}
		return nil
	})
	return found
}

// literalText returns the text of an expression that calls no function, and so not
// credential either; false for any other.
func (r *reading) literalText(expr hcl.Expression) (string, bool) {
	v, diags := expr.Value(&hcl.EvalContext{Variables: r.l.early.Variables})
	if diags.HasErrors() || v.ContainsMarked() || !v.IsWhollyKnown() {
		return "", false
	}
	if v.IsNull() || v.Type() != cty.String {
		return "", true
	}
	return v.AsString(), true
}

// warnOfURL warns of a URL that holds a password, or parameters that are one. What comes
// from elsewhere is refused behind the host, too: a path can be all that is secret.
func (r *reading) warnOfURL(text string, u *url.URL) {
	_, found := u.User.Password()
	for name, values := range u.Query() {
		// A place such as {message} that a channel fills in is no secret.
		filledIn := strings.HasPrefix(values[0], "{")
		found = found || saysSecret.MatchString(name) && !filledIn && values[0] != ""
	}
	_, behind, _ := strings.Cut(text, "://")
	behind = strings.TrimLeftFunc(behind, func(c rune) bool { return !strings.ContainsRune("/?#", c) })
	what := "the secret in this " + r.attr.name
	if found {
		r.judgeSecret(r.expr, what, r.attr.name, r.attr.name+` = "https://...${credential("name")}"`)
	} else if u.User != nil || behind != "/" && !endsWith(nativeForm(r.expr), behind) {
		r.refuseElsewhere(r.expr, diagnose.Capital(what), r.attr.name)
	}
}

// endsWith reports whether a text that has expressions in it ends as it is written.
func endsWith(expr hclsyntax.Expression, text string) bool {
	template, ok := expr.(*hclsyntax.TemplateExpr)
	if !ok || text == "" {
		return text == ""
	}
	last, ok := template.Parts[len(template.Parts)-1].(*hclsyntax.LiteralValueExpr)
	return ok && isText(last.Val) && strings.HasSuffix(last.Val.AsString(), text)
}

// warnOfHeaders warns of headers that hold a secret, each at its own place where that
// can be told.
func (r *reading) warnOfHeaders() {
	pairs, diags := hcl.ExprMap(r.expr)
	if diags.HasErrors() { // a function makes them, or another expression
		if slices.ContainsFunc(slices.Collect(maps.Keys(r.v.AsValueMap())), saysSecret.MatchString) {
			r.refuseElsewhere(r.expr, "The value of one of these headers", "Authorization")
		}
		return
	}
	for _, pair := range pairs {
		name, ok := r.literalText(pair.Key)
		text, written := r.literalText(pair.Value)
		if ok && written && text != "" && saysSecret.MatchString(name) {
			r.judgeSecret(pair.Value, "the value of this header", diagnose.Quoted(name), headerExample(name, text))
		}
	}
}

func headerExample(name, text string) string {
	if !hclsyntax.ValidIdentifier(name) {
		name = diagnose.Quoted(name)
	}
	if strings.HasPrefix(text, "Bearer ") {
		return fmt.Sprintf(`%s = "Bearer ${credential("name")}"`, name)
	}
	return name + ` = credential("name")`
}
