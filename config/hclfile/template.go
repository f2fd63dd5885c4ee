package hclfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// wordsTable returns the attributes with which people choose the words of messages.
func wordsTable(longest notifiers.Limit) table[config.Notifier] {
	judge := func(attribute string, limit notifiers.Limit) kind {
		return templateJudged(func(source string) error { return wording.Check(attribute, source, limit) })
	}
	return table[config.Notifier]{
		newRow(wording.Subject, judge(wording.Subject, notifiers.Limit{}), "the built-in words", "A template for the subject or title of messages, which becomes one line; see OWN WORDS in imapvigil-notifiers(7)",
			func(n *config.Notifier, v value) { n.Subject = v.text }),
		newRow(wording.Text, judge(wording.Text, longest), "the built-in words", "A template for the text of messages, which is sent as plain text; see OWN WORDS in imapvigil-notifiers(7)",
			func(n *config.Notifier, v value) { n.Text = v.text }),
	}
}

// templateJudged returns a kind for a template that judge approves of. What is wrong is
// reported at its place within the text.
func templateJudged(judge func(source string) error) kind {
	return kind{name: "template", read: func(r *reading) (value, bool) {
		v, ok := readText(r)
		if !ok || r.unread {
			return v, ok
		}
		if c := unprintable(v.text, "\r\n\t"); c != (complaint{}) {
			return r.wrong(ruleControl, "%s", c.says(r.shown()))
		}
		if err := judge(v.text); err != nil {
			r.reportTemplate(err, v.text)
			return value{}, false
		}
		return v, true
	}}
}

// reportTemplate reports what is wrong with a template: at its place, where that can be told
// from the file, and else with its place in the text.
func (r *reading) reportTemplate(err error, text string) {
	at, place := r.expr.Range(), ""
	var fault *wording.Fault
	if errors.As(err, &fault) && fault.Line > 0 {
		if exact, ok := r.placeInText(text, fault); ok {
			at = exact
		} else {
			place = fmt.Sprintf("Line %d, column %d of the text: ", fault.Line, fault.Column)
		}
		err = errors.New(fault.Problem)
	}
	words := err.Error()
	if place == "" {
		words = diagnose.Capital(words)
	}
	r.l.Report(ruleTemplate, at, "%s%s", place, fullStop(words))
}

// fullStop returns a sentence with its end.
func fullStop(words string) string {
	if strings.HasSuffix(words, "?") {
		return words
	}
	return words + "."
}

// placeInText returns where a file has a place of a text; false where the text is not written
// there as it is.
func (r *reading) placeInText(text string, fault *wording.Fault) (hcl.Range, bool) {
	template, ok := hcl.UnwrapExpression(r.expr).(*hclsyntax.TemplateExpr)
	file, known := r.l.snapshot.Text(r.expr.Range().Filename)
	if !ok || !known {
		return hcl.Range{}, false
	}
	offset := fault.Offset(text)
	ctx := r.l.contextAt(r.expr.Range().Filename, r.l.names)
	for _, part := range template.Parts {
		made, err := partText(part, ctx)
		if err != nil {
			return hcl.Range{}, false
		}
		if offset >= len(made) {
			offset -= len(made)
			continue
		}
		at := diagnose.SpanOf(part.Range())
		if _, written := part.(*hclsyntax.LiteralValueExpr); written && at.To <= len(file) {
			if inFile, ok := offsetInFile(string(file[at.From:at.To]), made, offset); ok {
				return actionAt(part.Range().Filename, file, at.From+inFile), true
			}
		}
		return part.Range(), true
	}
	return hcl.Range{}, false
}

// offsetInFile returns where the source of a text has a place of it; false where escapes make
// them different. The lines of a heredoc may be indented, which those of its text are not.
func offsetInFile(source, text string, offset int) (int, bool) {
	lines := strings.SplitAfter(source, "\n")
	before := 0
	for i, line := range strings.SplitAfter(text, "\n") {
		if i >= len(lines) || !strings.HasSuffix(lines[i], line) {
			return 0, false
		}
		if offset < len(line) {
			return before + len(lines[i]) - len(line) + offset, true
		}
		offset -= len(line)
		before += len(lines[i])
	}
	return 0, false
}

// partText returns what a part of a template of HCL's makes.
func partText(part hclsyntax.Expression, ctx *hcl.EvalContext) (string, error) {
	v, diags := part.Value(ctx)
	if diags.HasErrors() {
		return "", diags
	}
	v, _ = v.Unmark()
	v, err := convert.Convert(v, cty.String)
	if err != nil || !isText(v) {
		return "", errors.New("it is no text")
	}
	return v.AsString(), nil
}

// actionAt returns the range from an offset of a file to the end of its action, or of its line.
func actionAt(name string, file []byte, offset int) hcl.Range {
	rest := file[offset:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	if end := bytes.Index(rest, []byte("}}")); end > 0 {
		rest = rest[:end]
	}
	before := file[:offset]
	start := hcl.Pos{
		Line: 1 + bytes.Count(before, []byte("\n")), Column: 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]), Byte: offset,
	}
	rest = bytes.TrimRight(rest, " \r")
	end := hcl.Pos{Line: start.Line, Column: start.Column + utf8.RuneCount(rest), Byte: offset + len(rest)}
	return hcl.Range{Filename: name, Start: start, End: end}
}
