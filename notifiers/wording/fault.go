package wording

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
)

// A Fault is what is wrong with a template, and where.
type Fault struct {
	// Line and Column count from 1, Column in bytes; 0: it is not about one place.
	Line, Column int
	Problem      string // a sentence without its full stop
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.Problem
	}
	return fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, f.Problem)
}

// Offset returns where the place is in the template's source, in bytes.
func (f *Fault) Offset(source string) int {
	offset := 0
	for range f.Line - 1 {
		offset += 1 + max(0, strings.IndexByte(source[min(offset, len(source)):], '\n'))
	}
	return min(len(source), offset+f.Column-1)
}

// faultAt returns a fault at an offset of the source.
func faultAt(source string, offset int, format string, args ...any) *Fault {
	before := source[:min(max(0, offset), len(source))]
	return &Fault{
		Line:    1 + strings.Count(before, "\n"),
		Column:  len(before) - strings.LastIndex(before, "\n"),
		Problem: fmt.Sprintf(format, args...),
	}
}

var (
	// The parser says the line alone, and an execution also the column, from 0.
	parseWords  = regexp.MustCompile(`(?s)^template: [^:]*:(\d+): (.*)$`)
	renderWords = regexp.MustCompile(`(?s)^template: [^:]*:(\d+):(\d+): executing "[^"]*" at (<.*?>): (.*)$`)
	quotedWords = regexp.MustCompile(`"[^"]+"|<[^>]+>`)
)

// parseFault returns what the parser says, with the column of what it names, or else of the
// first action of the line.
func parseFault(source string, err error) *Fault {
	found := parseWords.FindStringSubmatch(err.Error())
	if found == nil {
		return &Fault{Problem: err.Error()}
	}
	line, _ := strconv.Atoi(found[1])
	return &Fault{Line: line, Column: columnIn(lineOf(source, line), found[2]), Problem: explainParsing(found[2])}
}

func lineOf(source string, line int) string {
	lines := strings.Split(source, "\n")
	return lines[min(max(1, line), len(lines))-1]
}

// columnIn returns where a line has what the parser's words name.
func columnIn(line, words string) int {
	for _, quoted := range quotedWords.FindAllString(words, -1) {
		if i := strings.LastIndex(line, strings.Trim(quoted, `"<>`)); i >= 0 {
			return i + 1
		}
	}
	return 1 + max(0, strings.Index(line, "{{"))
}

var unknownFunction = regexp.MustCompile(`^function "([^"]+)" not defined$`)

// explainParsing puts the parser's words into a user's.
func explainParsing(words string) string {
	found := unknownFunction.FindStringSubmatch(words)
	switch {
	case found != nil && found[1] == "json":
		return "json is for the body of a webhook; text needs no quotes"
	case found != nil:
		return fmt.Sprintf("there is no function %s; the functions are %s", found[1], FunctionNames())
	case words == "unexpected EOF":
		return "the template ends before an {{end}}"
	}
	return words
}

// renderFault returns why an execution failed.
func renderFault(tree *parse.Tree, err error) *Fault {
	for _, limit := range []error{errTooLong, errTooMuch} {
		if errors.Is(err, limit) {
			return &Fault{Problem: limit.Error()}
		}
	}
	found := renderWords.FindStringSubmatch(err.Error())
	if found == nil {
		return &Fault{Problem: strings.TrimPrefix(err.Error(), "template: "+tree.Name+": ")}
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	return &Fault{Line: line, Column: column + 1, Problem: found[3] + ": " + explainRendering(found[4])}
}

var callingError = regexp.MustCompile(`^error calling (\w+): `)

// typeNames puts names of Go's types into words.
var typeNames = strings.NewReplacer("*wording.Moment", "a time", "[]wording.Item", "a list of items", "wording.Item", "an item", "wording.Data", "the message", "[]string", "a list of strings")

func explainRendering(words string) string {
	words = typeNames.Replace(callingError.ReplaceAllString(words, "$1: "))
	if strings.Contains(words, "index out of range") {
		return "there is no such item. A test message has none, and others have one or more: use range or with"
	}
	return words
}
