package hclfile

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// syntax says what is wrong with the syntax of files.
type syntax struct {
	*diagnose.Findings
	snapshot *source.Snapshot
}

// adoptSyntax takes over what the parser complains about in one file. After a
// quote that is missing it takes texts for names and names for texts, so that
// nothing it says from there on is of use.
func (s syntax) adoptSyntax(diags hcl.Diagnostics) {
	torn := -1 // the byte where a text goes beyond its line
	for _, d := range diags {
		if at := diagnose.Subject(d).Start.Byte; diagnose.MeaningOf(d) == diagnose.SplitText && (torn < 0 || at < torn) {
			torn = at
		}
	}
	said := map[int]bool{} // lines
	for _, d := range diags {
		switch at, says := diagnose.Subject(d).Start, diagnose.MeaningOf(d); {
		case d.Severity != hcl.DiagError, torn >= 0 && (at.Byte > torn || at.Byte == torn && says != diagnose.SplitText):
		case len(diags) > 1 && says == diagnose.Incomplete: // another says why
		case said[at.Line] && says != diagnose.RepeatedAttribute: // it follows from what was said
		default:
			said[at.Line] = true
			s.adoptShape(d)
		}
	}
}

// adoptShape takes over what the parser says of attributes that are there
// twice, and of the syntax.
func (s syntax) adoptShape(d *hcl.Diagnostic) {
	if diagnose.MeaningOf(d) == diagnose.RepeatedAttribute {
		s.Report(ruleDuplicateValue, diagnose.Subject(d), "%s is already written at %s.", diagnose.NameIn(d), diagnose.FirstPlace(d))
		return
	}
	summary, detail := s.sayParsing(d)
	s.Say(ruleSyntax, summary, detail, diagnose.Subject(d))
}

// sayParsing returns a complaint about the syntax in words that hold nothing of the
// file, with how to write what was probably meant.
func (s syntax) sayParsing(d *hcl.Diagnostic) (summary, detail string) {
	at, says := diagnose.Subject(d), diagnose.MeaningOf(d)
	// Before all else: in a file that is no JSON, what the parser says helps nobody.
	if advice := s.jsonAdvice(at); advice != "" {
		return ruleSyntax.Summary, advice
	}
	isAfterMarker := s.markerBefore(at) != ""
	switch says {
	case diagnose.BlockInLocals:
		return "Unexpected block", "There are no blocks in locals. A value with names in it is written: name = { ... }"
	case diagnose.MissingComma:
		return "Missing comma", d.Detail
	case diagnose.Syntax, diagnose.SplitText, diagnose.Unended, diagnose.Incomplete:
	case diagnose.WrongTemplate:
		return "Invalid template", s.templateAdvice(at)
	default:
		return ruleSyntax.Summary, "This cannot be read. What exactly is wrong is not shown, since a secret may be part of it."
	}
	switch {
	case says == diagnose.SplitText && isAfterMarker:
		return "Invalid template", s.templateAdvice(at)
	case diagnose.HasOwnWords(d):
		return d.Summary, diagnose.Detail(d)
	case isAfterMarker:
		return d.Summary, d.Detail + " " + asItIs
	}
	if advice := s.lineAdvice(at); says == diagnose.Syntax && advice != "" {
		return ruleSyntax.Summary, advice
	}
	return d.Summary, d.Detail
}

// jsonAdvice returns what to do about a file that is no JSON at all, and about comments,
// which JSON does not have (RFC 8259); "" otherwise.
func (s syntax) jsonAdvice(at hcl.Range) string {
	text, ok := s.snapshot.Text(at.Filename)
	if !ok || !strings.HasSuffix(at.Filename, ".json") || at.Start.Byte >= len(text) {
		return ""
	}
	first := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(first) > 0 && first[0] != '{' && first[0] != '[':
		return "This is not JSON. A file in HCL's own form has a name that ends in .hcl, without .json."
	case text[at.Start.Byte] == '/', text[at.Start.Byte] == '#':
		return "JSON has no comments. HCL's JSON form has a property for them: \"//\": \"a comment\""
	}
	return ""
}

// asItIs says how the characters that begin a template are written in a text.
const asItIs = "For a literal ${ or %{ in a string write $${ or %%{."

// templateAdvice returns what to do about a template that cannot be read.
func (s syntax) templateAdvice(at hcl.Range) string {
	const advice = "In a string, ${ begins an expression, like ${local.name}, and %{ a directive, like %{ if ... }; what follows here is neither. " + asItIs
	if s.Hides(at) {
		return advice + " A secret is better kept in a file of its own: credential(\"name\")"
	}
	return advice
}

// markerBefore returns the ${ or %{ that a place comes after, in its line; "" where
// there is none.
func (s syntax) markerBefore(at hcl.Range) string {
	line := s.lineUpTo(at)
	for _, marker := range []string{"${", "%{"} {
		// Two of the first character are a marker that is escaped: $${ and %%{.
		if i := bytes.LastIndex(line, []byte(marker)); i >= 0 && (i == 0 || line[i-1] != marker[0]) && !bytes.Contains(line[i:], []byte("}")) {
			return marker
		}
	}
	return ""
}

// lineUpTo returns the text of a line up to a place in it; nil for a place that is not
// in the file.
func (s syntax) lineUpTo(at hcl.Range) []byte {
	text, ok := s.snapshot.Text(at.Filename)
	if !ok || at.Start.Byte > len(text) {
		return nil
	}
	return text[bytes.LastIndexByte(text[:at.Start.Byte], '\n')+1 : at.Start.Byte]
}
