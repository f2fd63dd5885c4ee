package hclfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

// TestGuessesAreFew has more names that lead nowhere than anybody reads: what was
// meant is looked for only at first.
func TestGuessesAreFew(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 150 {
		fmt.Fprintf(&text, "imap_check \"c%d\" {\n  hostname = \"mx.example.org\"\n  depends_on = [imap_check.x%d]\n}\n", i, i)
	}
	_, diags := hclfile.Load(hclfile.SnapshotOf("many.hcl", []byte(text.String())))
	if len(diags) != 150 {
		t.Fatalf("%d diagnostics", len(diags))
	}
	first, last := diags[0].Detail, diags[149].Detail
	if first != `No imap_check is called "x0". Did you mean imap_check.c0?` || last != `No imap_check is called "x149".` {
		t.Errorf("got %q and %q", first, last)
	}
}
