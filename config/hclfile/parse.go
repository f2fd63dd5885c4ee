package hclfile

import (
	"runtime"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// A parsed file is its body, or why there is none.
type parsed struct {
	name  string
	body  hcl.Body
	diags hcl.Diagnostics
	deep  *hcl.Range // where it is nested too deeply to be parsed
}

// parseAll parses the files side by side, one a processor at a time.
func parseAll(files []source) []parsed {
	out := make([]parsed, len(files))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range files {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = parse(files[i])
		})
	}
	wg.Wait()
	return out
}

func parse(f source) parsed {
	if place, deep := tooDeep(f); deep {
		return parsed{name: f.name, deep: &place}
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(f.name, ".json") {
		file, diags = json.Parse(f.text, f.name)
	} else {
		file, diags = hclsyntax.ParseConfig(f.text, f.name, hcl.InitialPos)
	}
	p := parsed{name: f.name, diags: diags}
	if file != nil {
		p.body = file.Body
	}
	return p
}

// maxNesting is how deep brackets, operators and templates may be nested. The
// parser is recursive, and a stack that overflows takes the process with it.
const maxNesting = 500

// tooDeep counts, without parsing, how deep a parser would have to go: open
// brackets, and operators since the last separator.
func tooDeep(f source) (hcl.Range, bool) {
	depth, run, line, start := 0, 0, 1, 0
	for i, c := range f.text {
		switch c {
		case '(', '[', '{':
			depth++
			run = 0
		case ')', ']', '}':
			depth--
			run = 0
		case '\n':
			line, start, run = line+1, i+1, 0
		case ',', '"':
			run = 0
		case '!', '-', '+', '*', '/', '%', '?', '<', '>', '&', '|', '=':
			run++
		}
		if depth > maxNesting || run > 20*maxNesting {
			pos := hcl.Pos{Line: line, Column: i - start + 1, Byte: i}
			return hcl.Range{Filename: f.name, Start: pos, End: pos}, true
		}
	}
	return hcl.Range{}, false
}
