package hclfile

import (
	"runtime"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// A parsed file is its body, or why there is none.
type parsed struct {
	source.File
	body  hcl.Body
	diags hcl.Diagnostics
	deep  *hcl.Range // where it is nested too deeply to be parsed
	other *hcl.Range // where it is not in UTF-8
	cure  string     // what to do about that
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
	if place, cure := notUTF8(f); cure != "" {
		return parsed{File: f, other: &place, cure: cure}
	}
	// recover is no help against a stack that overflows.
	if place, deep := tooDeep(f); deep {
		return parsed{File: f, deep: &place}
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
