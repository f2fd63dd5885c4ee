package hclfile

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/source"
)

// inText begins the file names in the ranges of a template inside a JSON text,
// which are not places in the file.
const inText = "\x00"

// withheldText replaces a JSON text.
const withheldText = `"${` + withheldCall + `}"`

// jsonExpression is expression for HCL's JSON form. A text there is a template; as
// soon as anything in it must not be saved, all of it is not.
func (w *withholder) jsonExpression(expr hcl.Expression, wanted want, names *binding) {
	step, rest := wanted.of()
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		if wanted.stops() {
			return
		}
		for _, pair := range pairs {
			if step == theKey || wanted.keys && len(wanted.path) == 0 {
				w.jsonText(pair.Key, want{direct: wanted.direct}, names)
			}
			if key := stepOf(pair.Key); step != theKey && (step == anyElement || key == anyElement || key == step) {
				w.jsonExpression(pair.Value, rest, names)
			}
		}
		return
	}
	if elements, diags := hcl.ExprList(expr); !diags.HasErrors() {
		if wanted.stops() {
			return
		}
		for _, element := range elements {
			w.jsonExpression(element, rest, names)
		}
		return
	}
	w.jsonText(expr, wanted, names)
}

func (w *withholder) jsonText(expr hcl.Expression, wanted want, names *binding) {
	at := expr.Range()
	v, _ := expr.Value(nil) // the text as it is, not taken for a template
	hidden := v.Type() == cty.Number
	if isText(v) {
		template, diags := hclsyntax.ParseTemplate([]byte(v.AsString()), inText+at.Filename, hcl.InitialPos)
		before := w.inText
		w.inText = diags.HasErrors()
		if !diags.HasErrors() {
			w.native(template, wanted, names)
		}
		hidden, w.inText = w.inText, before
	}
	if hidden {
		w.edit(at.Filename, edit{byteSpan{at.Start.Byte, at.End.Byte}, withheldText})
	}
}

func isText(v cty.Value) bool { return v.Type() == cty.String && v.IsKnown() && !v.IsNull() }

// jsonComments are the values of properties that are called "//", which HCL's
// JSON form has for comments.
func jsonComments(text []byte) []edit {
	var edits []edit
	d := json.NewDecoder(bytes.NewReader(text))
	var open []json.Delim
	key := true // whether a text would be a key
	for {
		token, err := d.Token()
		if err != nil {
			return edits
		}
		inObject := len(open) > 0 && open[len(open)-1] == '{'
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				open = append(open, t)
				key = t == '{'
				continue
			}
			open = open[:len(open)-1]
		case string:
			if inObject && key && t == "//" {
				var raw json.RawMessage
				if d.Decode(&raw) != nil {
					return edits
				}
				end := int(d.InputOffset())
				edits = append(edits, edit{byteSpan{end - len(raw), end}, "null"})
				continue
			}
			if inObject && key {
				key = false
				continue
			}
		}
		key = true
	}
}

// nativeComments are those of HCL's own form. A comment to the end of the line
// has the line end in it.
func nativeComments(f source.File) []edit {
	var edits []edit
	tokens, _ := hclsyntax.LexConfig(f.Text, f.Name, hcl.InitialPos)
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenComment {
			continue
		}
		ends := bytes.Repeat([]byte("\n"), bytes.Count(t.Bytes, []byte("\n")))
		if len(ends) == 0 {
			ends = []byte(" ")
		}
		edits = append(edits, edit{byteSpan{t.Range.Start.Byte, t.Range.End.Byte}, string(ends)})
	}
	return edits
}
