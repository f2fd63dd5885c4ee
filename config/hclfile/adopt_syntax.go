package hclfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// What the parsers of hcl say is repeated only where it is the same sentence
// whatever stands in the file: some of their sentences quote a word of it, which
// may be a part of a password. Those are said in other words here. A sentence
// that is not known is not repeated, so a new version of hcl cannot change this.

// ownWords are what is said instead of the sentences that quote the file, and of
// some that help little.
var ownWords = map[string]string{
	"Invalid escape sequence":                  `In a text in quotes a backslash begins an escape sequence: \n, \r, \t, \", \\, \uNNNN or \UNNNNNNNN. For a backslash itself write two: \\`,
	"Invalid JSON keyword":                     "A value in JSON is a text in double quotes, a number, true, false, null, a list or an object.",
	"Argument definition required":             "A block that is written on one line has one attribute: { name = value }. Write each of several attributes on a line of its own.",
	"Invalid single-argument block definition": "A block that is written on one line has one attribute. Write several attributes on lines of their own, and the } on one, too.",
	"Invalid legacy index syntax":              "An element is chosen with its number in brackets: [0].",
	splitText:                                  "The quote that ends this text is missing on its line. A text of several lines is written with \\n, or as a heredoc: <<EOT, the lines, EOT.",
	"Unreadable syntax":                        "The parser failed over this file.",
}

// aboutTemplates are complaints about what stands between ${ or %{ and }. Most
// often it is a text, such as a password, that has these characters in it.
var aboutTemplates = []string{
	"Invalid template control keyword", "Invalid template directive", "Unexpected end of template", "Invalid 'for' directive",
	"Extra characters after interpolation expression", "Unclosed template interpolation sequence",
}

// sameForEveryFile are the complaints whose sentences have nothing of the file in
// them (hclsyntax/parser.go, parser_template.go, token.go; json/parser.go,
// json/public.go).
var sameForEveryFile = []string{
	"Argument or block definition required", "Invalid argument name", "Unclosed configuration block", "Unclosed configuration body",
	"Missing newline after argument", "Unclosed argument", "Invalid block definition", "Invalid single-argument block definition",
	"Missing newline after block definition", "Missing false expression in conditional", "Nested splat expression not allowed",
	"Invalid attribute name", "Missing close bracket on splat index", "Missing close bracket on index", "Unbalanced parentheses",
	"Missing expression", "Invalid expression", "Invalid number literal", "Missing function name", "Missing open parenthesis",
	"Missing closing parenthesis", "Unterminated function call", "Missing argument separator", "Unterminated tuple constructor expression",
	"Missing item separator", "Missing attribute value", "Missing key/value separator", "Unterminated object constructor expression",
	"Missing attribute separator", "Invalid 'for' expression", "Invalid string literal", "Unterminated string literal",
	"Unterminated template string", "Unsupported operator", "Invalid character", "Invalid character encoding", "Invalid multi-line string",
	"Missing newline at end of template", "Unterminated heredoc",

	"Extraneous data after value", "Missing JSON value", "Missing array element value", "Missing value", "Invalid start of value",
	"Invalid object property name", "Missing object value", "Missing property value colon", "Trailing comma in object", "Unclosed object",
	"Mismatched braces", "Trailing comma in array", "Invalid array value", "Mismatched brackets",
	"Invalid JSON number", "Invalid JSON string", "Root value must be object", "Unexpected comma after argument",

	"Incorrect JSON value type", "Missing block label", // they quote names of the language only
}

// adoptSyntax takes over what the parser complains about in one file. After a
// quote that is missing it takes texts for names and names for texts, so that
// nothing it says from there on is of use.
func (l *loader) adoptSyntax(diags hcl.Diagnostics) {
	torn := -1 // the byte where a text goes beyond its line
	for _, d := range diags {
		if at := subject(d).Start.Byte; d.Summary == splitText && (torn < 0 || at < torn) {
			torn = at
		}
	}
	said := map[int]bool{} // lines
	for _, d := range diags {
		switch at := subject(d).Start; {
		case d.Severity != hcl.DiagError, torn >= 0 && (at.Byte > torn || at.Byte == torn && d.Summary != splitText):
		case len(diags) > 1 && (d.Summary == "Root value must be object" || d.Summary == "Unclosed object"): // of JSON; another says why
		case said[at.Line] && !firstPlace.MatchString(d.Detail): // it follows from what was said
		default:
			said[at.Line] = true
			l.adoptShape(d)
		}
	}
}

// splitText is the complaint about a text in quotes that has a line end in it.
const splitText = "Invalid multi-line string"

// adoptParsing takes over one complaint about the syntax.
func (l *loader) adoptParsing(d *hcl.Diagnostic) {
	summary, detail := l.sayParsing(d)
	l.Say(ruleSyntax, summary, detail, subject(d))
}

// sayParsing is a complaint about the syntax in words that hold nothing of the
// file, and how to write what was probably meant.
func (l *loader) sayParsing(d *hcl.Diagnostic) (summary, detail string) {
	own, isOwn := ownWords[d.Summary]
	if advice := l.jsonAdvice(subject(d)); advice != "" {
		return ruleSyntax.Summary, advice
	}
	switch {
	case isTemplate(d), d.Summary == splitText && l.markerBefore(subject(d)) != "":
		return "Invalid template", l.templateAdvice(subject(d))
	case isOwn:
		return d.Summary, own
	case strings.HasPrefix(d.Summary, "Unexpected \"") && d.Detail == "Blocks are not allowed here.":
		return "Unexpected block", "There are no blocks in locals. A value with names in it is written: name = { ... }"
	case strings.HasPrefix(d.Summary, "Missing attribute sep") && strings.HasSuffix(d.Summary, " comma"): // in JSON
		return "Missing comma", d.Detail
	case !slices.Contains(sameForEveryFile, d.Summary):
		return ruleSyntax.Summary, "This cannot be read. What exactly is wrong is not shown, since a secret may be part of it."
	}
	if l.markerBefore(subject(d)) != "" {
		return d.Summary, d.Detail + " " + asItIs
	}
	isOpen := strings.HasPrefix(d.Summary, "Unclosed") || strings.HasPrefix(d.Summary, "Unterminated")
	if advice := l.lineAdvice(subject(d)); !isOpen && advice != "" {
		return ruleSyntax.Summary, advice
	}
	return d.Summary, d.Detail
}

// jsonAdvice recognizes what is no JSON at all, and comments, which JSON has not.
func (l *loader) jsonAdvice(at hcl.Range) string {
	text, ok := l.snapshot.Text(at.Filename)
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

func isTemplate(d *hcl.Diagnostic) bool {
	return slices.Contains(aboutTemplates, d.Summary) ||
		strings.HasPrefix(d.Summary, "Extra characters in ") && strings.HasSuffix(d.Summary, " marker") ||
		strings.HasPrefix(d.Summary, "Unexpected ") && strings.HasSuffix(d.Summary, " directive")
}

// asItIs says how the characters that begin a template are written in a text.
const asItIs = "Where ${ or %{ are part of a text, write $${ and %%{."

// templateAdvice says what to do about a template that cannot be read.
func (l *loader) templateAdvice(at hcl.Range) string {
	const advice = "In a text, ${ begins an expression, like ${local.name}, and %{ a directive, like %{ if ... }, and what follows here is none. " + asItIs
	if l.Hides(at) {
		return advice + " A secret is better kept in a file of its own: credential(\"name\")"
	}
	return advice
}

// markerBefore gives the ${ or %{ that a place comes after, in its line.
func (l *loader) markerBefore(at hcl.Range) string {
	line := l.lineUpTo(at)
	for _, marker := range []string{"${", "%{"} {
		if i := bytes.LastIndex(line, []byte(marker)); i >= 0 && (i == 0 || line[i-1] != marker[0]) && !bytes.Contains(line[i:], []byte("}")) {
			return marker
		}
	}
	return ""
}

// lineUpTo is the text of a line up to a place in it.
func (l *loader) lineUpTo(at hcl.Range) []byte {
	text, ok := l.snapshot.Text(at.Filename)
	if !ok || at.Start.Byte > len(text) {
		return nil
	}
	return text[bytes.LastIndexByte(text[:at.Start.Byte], '\n')+1 : at.Start.Byte]
}
