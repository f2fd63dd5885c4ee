package diagnose

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// What hcl says is recognised here and nowhere else. Its sentences are English and may
// change with any version, so a test has hcl say every one of them.
//
// Some sentences of the parsers quote a word of the file, which may be a part of a
// password. A sentence is repeated only if it is the same whatever stands in the file;
// one that is not known is never repeated, so a new version of hcl cannot change this.

// A Meaning is what a diagnostic of hcl says.
type Meaning int

// The meanings of what hcl says.
const (
	NotKnown          Meaning = iota
	UnknownAttribute          // of a block; its name is known
	UnknownBlock              // likewise
	WrongLabels               // of a block; its type is known
	WrongDynamic              // a dynamic block is not written as one
	MarkedName                // a label of a dynamic block comes from credential
	RepeatedAttribute         // its name is known, and FirstPlace
	UnknownVariable           // a name at the beginning of an expression
	NoVariables               // there are none where the expression stands
	MissingElement            // an object or a list has nothing of this name or number
	RepeatsValue              // the sentence holds a value; Detail gives one that does not

	Syntax        // a sentence that is the same for every file
	Unended       // likewise, about what has a beginning and no end
	Incomplete    // likewise, about a whole file of JSON: another diagnostic says why
	SplitText     // likewise: a text in quotes has a line end in it
	WrongTemplate // what stands between ${ or %{ and } cannot be read
	BlockInLocals // a block stands where there are only attributes
	MissingComma  // in JSON
)

// unreadable is the summary of a diagnostic of ours: the parser failed over a file.
const unreadable = "Unreadable syntax"

// Unreadable stands for what the parser would say of a file over which it failed.
func Unreadable(file string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: unreadable, Detail: ownWords[unreadable], Subject: &hcl.Range{Filename: file}}
}

// meanings are by the summary of a diagnostic.
var meanings = func() map[string]Meaning {
	all := map[string]Meaning{unreadable: Syntax}
	for meaning, same := range summaries {
		for _, summary := range same {
			all[summary] = meaning
		}
	}
	return all
}()

// summaries are those that are the same for every file.
var summaries = map[Meaning][]string{
	UnknownAttribute: {"Unsupported argument", "Extraneous JSON object property"},
	UnknownBlock:     {"Unsupported block type"},
	WrongDynamic:     {"Missing required argument"},
	UnknownVariable:  {"Unknown variable"},
	NoVariables:      {"Variables not allowed"},
	MissingElement:   {"Unsupported attribute", "Missing map element", "Invalid index"},
	RepeatsValue:     {"Duplicate object key", "Inconsistent conditional result types"},
	WrongTemplate: {
		"Invalid template control keyword", "Invalid template directive", "Unexpected end of template",
		"Invalid 'for' directive", "Extra characters after interpolation expression",
		"Unclosed template interpolation sequence",
	},
	Syntax: {
		"Argument or block definition required", "Invalid argument name", "Missing newline after argument",
		"Invalid block definition", "Invalid single-argument block definition", "Missing newline after block definition",
		"Missing false expression in conditional", "Nested splat expression not allowed", "Invalid attribute name",
		"Missing close bracket on splat index", "Missing close bracket on index", "Unbalanced parentheses",
		"Missing expression", "Invalid expression", "Invalid number literal", "Missing function name",
		"Missing open parenthesis", "Missing closing parenthesis", "Missing argument separator", "Missing item separator",
		"Missing attribute value", "Missing key/value separator", "Missing attribute separator",
		"Invalid 'for' expression", "Invalid string literal", "Unsupported operator", "Invalid character",
		"Invalid character encoding", "Extraneous data after value", "Missing JSON value", "Missing array element value",
		"Missing value", "Invalid start of value", "Invalid object property name", "Missing object value",
		"Missing property value colon", "Trailing comma in object", "Mismatched braces", "Trailing comma in array",
		"Invalid array value", "Mismatched brackets", "Invalid JSON number", "Invalid JSON string",
		"Unexpected comma after argument", "Incorrect JSON value type", "Missing block label", "Invalid escape sequence",
		"Invalid JSON keyword", "Argument definition required", "Invalid legacy index syntax",
	},
	Unended: {
		"Unclosed configuration block", "Unterminated function call", "Unterminated tuple constructor expression",
		"Unterminated object constructor expression", "Unterminated string literal", "Unterminated template string",
	},
	SplitText:  {"Invalid multi-line string"},
	Incomplete: {"Unclosed object", "Root value must be object"},
}

// forms are summaries that have a word of the file, or of the language, in them.
var forms = []struct {
	summary *regexp.Regexp
	meaning Meaning
}{
	{regexp.MustCompile(`^Extraneous label for |^Missing .* for `), WrongLabels},
	{regexp.MustCompile(`dynamic`), WrongDynamic},
	{regexp.MustCompile(`^Extra characters in .* marker$|^Unexpected .* directive$`), WrongTemplate},
	{regexp.MustCompile(`^Missing attribute sep.* comma$`), MissingComma},
	{regexp.MustCompile(`^Unexpected "`), BlockInLocals},
}

var firstPlace = regexp.MustCompile(`already set at (.*:[0-9]+),([0-9]+)-`)

// MeaningOf returns what a diagnostic of hcl means, by its English words.
func MeaningOf(d *hcl.Diagnostic) Meaning {
	switch {
	case firstPlace.MatchString(d.Detail):
		return RepeatedAttribute
	case strings.Contains(d.Detail, "dynamic marks"):
		return MarkedName
	}
	if m, ok := meanings[d.Summary]; ok {
		return m
	}
	for _, f := range forms {
		if f.summary.MatchString(d.Summary) && (f.meaning != BlockInLocals || d.Detail == "Blocks are not allowed here.") {
			return f.meaning
		}
	}
	return NotKnown
}

// NameIn returns the first name that a diagnostic has between quotes: of the attribute
// or the block that it is about; "" where there is none.
func NameIn(d *hcl.Diagnostic) string {
	_, rest, _ := strings.Cut(d.Detail, `"`)
	name, _, quoted := strings.Cut(rest, `"`)
	if !quoted {
		return ""
	}
	return name
}

// BlockIn returns the type of the block that a diagnostic with the meaning [WrongLabels]
// is about.
func BlockIn(d *hcl.Diagnostic) string {
	return d.Summary[strings.LastIndex(d.Summary, " for ")+len(" for "):]
}

// FirstPlace returns where the attribute of a [RepeatedAttribute] is written first, as
// file:line:column.
func FirstPlace(d *hcl.Diagnostic) string {
	m := firstPlace.FindStringSubmatch(d.Detail)
	return m[1] + ":" + m[2] // hcl writes file:line,column-
}

// Subject returns the place that a diagnostic is about; the zero range where it has
// none.
func Subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject != nil {
		return *d.Subject
	}
	return hcl.Range{}
}

// Detail returns what hcl says, or what is said instead where that holds something of
// the file, or helps little.
func Detail(d *hcl.Diagnostic) string {
	if own, ok := ownWords[d.Summary]; ok {
		return own
	}
	return d.Detail
}

// HasOwnWords reports whether [Detail] says something else than hcl.
func HasOwnWords(d *hcl.Diagnostic) bool { return ownWords[d.Summary] != "" }

// ownWords are what is said instead of the sentences that quote the file, and of
// some that help little.
var ownWords = map[string]string{
	"Invalid escape sequence":                  `In a string a backslash begins an escape sequence: \n, \r, \t, \", \\, \uNNNN or \UNNNNNNNN. For a backslash itself write two: \\`,
	"Invalid JSON keyword":                     "A value in JSON is a string in double quotes, a number, true, false, null, a list or an object.",
	"Argument definition required":             "A block that is written on one line has one attribute: { name = value }. Write each of several attributes on a line of its own.",
	"Invalid single-argument block definition": "A block that is written on one line has one attribute. Write several attributes on lines of their own, and the } on one, too.",
	"Invalid legacy index syntax":              "An element is chosen with its number in brackets: [0].",
	"Invalid multi-line string":                "The quote that ends this string is missing on its line. A string of several lines is written with \\n, or as a heredoc: <<EOT, the lines, EOT.",
	unreadable:                                 "The parser failed on this file.",

	"Duplicate object key":                  "Two different items produce the same key in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.",
	"Inconsistent conditional result types": "The true and false result expressions must have consistent types.",
}
