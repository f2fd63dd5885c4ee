package hclfile

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// A parsed file is its body, or why there is none.
type parsed struct {
	source.File
	body    hcl.Body
	diags   hcl.Diagnostics
	refused *refusal // why it was not even parsed
}

// A refusal is where a file breaks a rule that comes before parsing, and what to do.
type refusal struct {
	rule   *rule
	at     hcl.Range
	advice string
}

// parseAll parses the files side by side, one a processor at a time.
func parseAll(files []source.File) []parsed {
	out := make([]parsed, len(files))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range files {
		wg.Go(func() {
			slots <- struct{}{} // parsing takes a processor and memory, and waits for nothing
			defer func() { <-slots }()
			out[i] = parse(files[i])
		})
	}
	wg.Wait()
	return out
}

func parse(f source.File) (p parsed) {
	defer func() {
		if recover() != nil { // guard cannot: this is a goroutine of its own
			p = parsed{File: f, diags: hcl.Diagnostics{diagnose.Unreadable(f.Name)}}
		}
	}()
	if at, advice := notUTF8(f); advice != "" {
		return parsed{File: f, refused: &refusal{ruleEncoding, at, advice}}
	}
	// recover is no help against a stack that overflows.
	if at, deep := tooDeep(f); deep {
		return parsed{File: f, refused: &refusal{ruleNesting, at, nestingAdvice}}
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(f.Name, ".json") {
		file, diags = json.Parse(f.Text, f.Name)
	} else {
		file, diags = hclsyntax.ParseConfig(f.Text, f.Name, hcl.InitialPos)
	}
	p = parsed{File: f, diags: diags}
	if file != nil {
		p.body = file.Body
	}
	return p
}

// positionOf returns where a byte of a text is: line and column from 1, the column in
// runes.
func positionOf(text []byte, offset int) hcl.Pos {
	before := text[:max(0, min(offset, len(text)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return hcl.Pos{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1, Byte: len(before),
	}
}

// notUTF8 returns where a file is not in UTF-8, and what to do; advice is "" where it
// is.
func notUTF8(f source.File) (at hcl.Range, advice string) {
	at = hcl.Range{Filename: f.Name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if name := source.OtherEncoding(f.Text); name != "" {
		return hcl.Range{Filename: f.Name}, fmt.Sprintf("The file is in %s. Save it as UTF-8, or convert it:\n    iconv -f %s -t UTF-8 %s > new", name, name, f.Name)
	}
	if utf8.Valid(f.Text) {
		return at, ""
	}
	whole := 0
	// U+FFFD itself is a rune of three bytes; one of one byte is no UTF-8.
	for r, size := utf8.DecodeRune(f.Text); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRune(f.Text[whole:]) {
		whole += size
	}
	at.Start = positionOf(f.Text, whole)
	at.End = hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: whole + 1}
	return at, fmt.Sprintf("Here is a character that is not in UTF-8. Save the file as UTF-8, or, if it is in the encoding of older systems of Western Europe, convert it:\n    iconv -f ISO-8859-15 -t UTF-8 %s > new", f.Name)
}
