package hclfile

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// A saved configuration has no secrets in it: every text where one may be written is
// replaced by a call of this function, which only restored configurations have. What
// names a secret is kept.
const withheldCall = "withheld()"

// An edit replaces a piece of a file.
type edit struct {
	diagnose.Span
	text string
}

// withheld returns the files without what may be a secret, and without comments, which
// nobody reads there and may hold an old one.
func withheld(files []source.File) []source.File {
	edits := map[string][]edit{}
	withSecrets := slices.DeleteFunc(slices.Clone(files), func(f source.File) bool { return !mayHaveSecrets(f) })
	for _, p := range parseAll(withSecrets) {
		if p.body == nil {
			continue
		}
		for _, part := range secretParts(rootBlock, p.body).parts {
			edits[p.Name] = append(edits[p.Name], withholding(part.Expression)...)
		}
	}
	out := make([]source.File, len(files))
	for i, f := range files {
		out[i] = source.File{Name: f.Name, Text: apply(f.Text, append(comments(f), edits[f.Name]...))}
	}
	return out
}

// withholding returns the edits that take the texts and numbers out of an expression.
// The names in an object, such as those of headers, stay.
func withholding(expr hcl.Expression) (edits []edit) {
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		for _, pair := range pairs {
			edits = append(edits, withholding(pair.Value)...)
		}
		return edits
	}
	if elements, diags := hcl.ExprList(expr); !diags.HasErrors() {
		for _, element := range elements {
			edits = append(edits, withholding(element)...)
		}
		return edits
	}
	e, at := nativeForm(expr), expr.Range()
	if e == nil {
		v, _ := expr.Value(nil)
		e = &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}
	}
	edits = literalsOf(e)
	if _, isNative := expr.(hclsyntax.Expression); isNative || len(edits) == 0 {
		return edits
	}
	return []edit{{diagnose.SpanOf(at), `"${` + withheldCall + `}"`}} // a text in JSON, as a whole
}

// nativeForm returns an expression of HCL's own form as it is, and a text of the JSON
// form as the template that it is; nil where it is neither.
func nativeForm(expr hcl.Expression) hclsyntax.Expression {
	if native, ok := hcl.UnwrapExpression(expr).(hclsyntax.Expression); ok {
		return native
	}
	v, _ := expr.Value(nil) // the text as it is, not taken for a template
	if !isText(v) {
		return nil
	}
	template, diags := hclsyntax.ParseTemplate([]byte(v.AsString()), expr.Range().Filename, hcl.InitialPos)
	if diags.HasErrors() { // all of it is text
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: expr.Range()}
	}
	return template
}

// literalsOf returns the edits that take out every text and number that is written in an
// expression, other than the names that a function is given to read something.
func literalsOf(expr hclsyntax.Expression) (edits []edit) {
	var kept []diagnose.Span
	inText := map[hclsyntax.Node]bool{} // what stands between the expressions of a template
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		switch e := node.(type) {
		case *hclsyntax.TemplateExpr:
			for _, part := range e.Parts {
				inText[part] = true
			}
		case *hclsyntax.IndexExpr:
			if key, ok := e.Key.(*hclsyntax.LiteralValueExpr); ok && key.Val.Type() == cty.Number {
				kept = append(kept, diagnose.SpanOf(key.SrcRange)) // which of several is no secret
			}
		case *hclsyntax.FunctionCallExpr:
			if slices.Contains([]string{"credential", "env", "file"}, e.Name) {
				kept = append(kept, diagnose.SpanOf(e.Range()))
			}
		case *hclsyntax.LiteralValueExpr:
			edits = append(edits, literalEdit(e, inText[e])...)
		}
		return nil
	})
	return slices.DeleteFunc(edits, func(e edit) bool { return e.Overlaps(kept) })
}

// literalEdit returns the edit that takes out one text or number; none where it is
// neither.
func literalEdit(e *hclsyntax.LiteralValueExpr, inText bool) []edit {
	at := diagnose.SpanOf(e.SrcRange)
	if e.SrcRange.End.Column == 1 {
		at.To-- // a heredoc needs the end of its last line
	}
	switch isValue := isText(e.Val) || e.Val.Type() == cty.Number; {
	case !isValue || at.From >= at.To:
		return nil
	case inText:
		return []edit{{at, "${" + withheldCall + "}"}}
	}
	return []edit{{at, withheldCall}}
}

func isText(v cty.Value) bool { return v.Type() == cty.String && v.IsKnown() && !v.IsNull() }

// comments returns the edits that cut comments out. Line ends stay, so that places in
// messages remain true.
func comments(f source.File) (edits []edit) {
	if strings.HasSuffix(f.Name, ".json") {
		return jsonComments(f.Text)
	}
	if !bytes.Contains(f.Text, []byte("#")) && !bytes.Contains(f.Text, []byte("//")) && !bytes.Contains(f.Text, []byte("/*")) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(f.Text, f.Name, hcl.InitialPos)
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenComment {
			continue
		}
		// a comment to the end of the line has the line end in it
		ends := bytes.Repeat([]byte("\n"), bytes.Count(t.Bytes, []byte("\n")))
		if len(ends) == 0 {
			ends = []byte(" ")
		}
		edits = append(edits, edit{diagnose.SpanOf(t.Range), string(ends)})
	}
	return edits
}

// jsonComments returns the edits of properties that are called "//", which HCL's JSON
// form has for comments.
func jsonComments(text []byte) (edits []edit) {
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end := diagnose.StringEnd(text, i)
		value, isKey := bytes.CutPrefix(bytes.TrimLeft(text[end:], " \t\r\n"), []byte(":"))
		var key string
		if isKey && json.Unmarshal(text[i:end], &key) == nil && key == "//" {
			var raw json.RawMessage
			d := json.NewDecoder(bytes.NewReader(value))
			if d.Decode(&raw) != nil {
				return edits
			}
			end = len(text) - len(value) + int(d.InputOffset())
			edits = append(edits, edit{diagnose.Span{From: end - len(raw), To: end}, "null"})
		}
		i = end - 1
	}
	return edits
}

// apply returns a text with the edits made.
func apply(text []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return text
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.From - b.From })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.From < at {
			continue // the same, found twice
		}
		out.Write(text[at:e.From])
		out.WriteString(e.text)
		at = e.To
	}
	out.Write(text[at:])
	return out.Bytes()
}
