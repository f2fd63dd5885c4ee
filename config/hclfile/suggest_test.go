package hclfile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// TestGuessesAreFew has more names that lead nowhere than anybody reads: what was
// meant is looked for only at first.
func TestGuessesAreFew(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 150 {
		fmt.Fprintf(&text, "imap_check \"c%d\" {\n  hostname = \"mx.example.org\"\n  depends_on = [imap_check.x%d]\n}\n", i, i)
	}
	_, diags := hclfile.Load(source.OfText("many.hcl", []byte(text.String())))
	if len(diags) != 150 {
		t.Fatalf("%d diagnostics", len(diags))
	}
	first, last := diags[0].Detail, diags[149].Detail
	if first != `No imap_check is called "x0". Did you mean imap_check.c0?` || last != `No imap_check is called "x149".` {
		t.Errorf("got %q and %q", first, last)
	}
}

// TestLongListsAreShortened has a circle and a list of roles that would fill many
// screens.
func TestLongListsAreShortened(t *testing.T) {
	t.Parallel()
	var circle, roles strings.Builder
	for i := range 200 {
		fmt.Fprintf(&circle, "imap_check \"c%d\" {\n  hostname = \"mx.example.org\"\n  depends_on = [imap_check.c%d]\n}\n", i, (i+1)%200)
		fmt.Fprintf(&roles, "notification_role \"r%d\" {\n  notify { via = notifier.webhook.w }\n}\n", i)
	}
	roles.WriteString("notifier \"webhook\" \"w\" {\n  url = \"https://hooks.example.org/\"\n}\nimap_check \"a\" { hostname = \"mx.example.org\" }\n")
	for text, want := range map[string]string{
		circle.String(): ", which depends on imap_check.c50, which leads by 150 more to imap_check.c0. While all of them are down, nobody would be notified.",
		roles.String():  "so those of the daemon are notified: r0, r1, r10, r100, r101, r102, r103, r104, r105, r106 and 190 more.",
	} {
		_, diags := hclfile.Load(source.OfText("many.hcl", []byte(text)))
		found := slices.ContainsFunc(diags, func(d config.Diagnostic) bool { return strings.HasSuffix(d.Detail, want) })
		if !found {
			t.Errorf("no %q in %v", want, diags)
		}
	}
}
