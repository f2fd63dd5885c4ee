package hclfile

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A value is repeated in a message only where it stands in the file anyway.
// What comes of a local, of an element of a dynamic block or of a function may
// be anybody's secret, and is described instead.

// A complaint says what is wrong with a value: in full, and blindly, for a value
// that is not to be repeated.
type complaint struct{ full, blind string }

// plainly returns a complaint that repeats no value.
func plainly(text string) complaint { return complaint{text, text} }

// says returns the complaint about a value that is shown, or is not.
func (c complaint) says(shown bool) string {
	if shown {
		return c.full
	}
	return c.blind
}

// literal reports whether an expression stands in the file with all that it is
// made of: no name and no function is in it.
func literal(expr hcl.Expression) bool {
	expr = hcl.UnwrapExpression(expr)
	if len(expr.Variables()) > 0 {
		return false
	}
	_, diags := expr.Value(diagnose.NothingKnown)
	// A call needs a function that is not there: NothingKnown knows none.
	for _, d := range diags {
		if _, calls := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); calls {
			return false
		}
	}
	return true
}

// literals reports whether those of some attributes that are written are literal.
func literals(attributes hcl.Attributes, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		a, written := attributes[name]
		return written && !literal(a.Expr)
	})
}

// withoutValues returns the text of an error about a block, without the values of
// attributes that are not literal.
func (l *loader) withoutValues(err error, content *contents) string {
	var pairs []string
	for _, a := range content.Attributes {
		if literal(a.Expr) {
			continue
		}
		v, _ := a.Expr.Value(l.contextAt(a.Range.Filename, l.names))
		v, _ = v.UnmarkDeep()
		for _, text := range textsIn(v) {
			pairs = append(pairs, diagnose.Quoted(text), "this string")
			if len(text) >= opaque.Shortest { // a shorter one is in words of the message itself
				pairs = append(pairs, text, "…")
			}
		}
	}
	return strings.NewReplacer(pairs...).Replace(err.Error())
}

// textsIn returns all texts in a value, the longest first.
func textsIn(v cty.Value) []string {
	var texts []string
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			texts = append(texts, v.AsString())
		}
		return true, nil
	})
	slices.SortFunc(texts, diagnose.LongestFirst)
	return texts
}

// shown reports whether a message may repeat the value.
func (r *reading) shown() bool { return !r.attr.secret && !r.sensitive && literal(r.expr) }

// show returns a text as a message names it: in quotes, or described.
func (r *reading) show(text string) string {
	const enough = 60
	switch {
	case r.attr.secret || r.sensitive:
		return "this value"
	case !r.shown():
		return "this string of " + diagnose.Plural(utf8.RuneCountInString(text), "character")
	case len(text) > enough:
		return "this string"
	}
	return diagnose.Quoted(text)
}

// source returns the expression as it is written, for a message that shows how to write
// it; dots where it is long, or may be a secret.
func (r *reading) source() string {
	const enough = 60
	at := r.expr.Range()
	text := string(bytesAt(r.l.snapshot, at))
	if r.attr.secret || r.sensitive || text == "" || len(text) > enough || strings.Contains(text, "\n") ||
		strings.HasSuffix(at.Filename, ".json") {
		return "..."
	}
	return text
}

// standsIn reports whether a text is written, as it is, at a place of the files.
// A label that a dynamic block has made is not.
func (l *loader) standsIn(at hcl.Range, text string) bool {
	return strings.Contains(string(bytesAt(l.snapshot, at)), text)
}

// bytesAt returns the source in a range; nil when the range is not in the files.
func bytesAt(s *source.Snapshot, r hcl.Range) []byte {
	text, ok := s.Text(r.Filename)
	if !ok || r.Start.Byte > r.End.Byte || r.End.Byte > len(text) {
		return nil
	}
	return text[r.Start.Byte:r.End.Byte]
}
